import { EventEmitter } from 'node:events';
import { watch } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Log, Timer } from './context';
import { watchTree } from './watch-tree';

vi.mock('node:fs', async (original) => ({ ...(await original<object>()), watch: vi.fn() }));

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Watches of the system that are open, as what reports an event to each. */
const open: (() => void)[] = [];
const onChange = vi.fn();
let watching: Timer;
/** As the system tells of a large file that is written: with as many events as anybody takes. */
const write = (): void => {
  for (let event = 0; event < 1000; event++) open[0]?.();
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.mocked(watch).mockImplementation(((_folder: string, _options: object, heard: () => void) => {
    open.push(heard);
    return Object.assign(new EventEmitter(), { close: () => open.splice(open.indexOf(heard), 1) });
  }) as unknown as typeof watch);
  watching = watchTree('/there/is/no/such/folder', onChange, quiet);
});

afterEach(() => {
  watching.cancel();
  expect(open).toEqual([]);
  vi.useRealTimers();
  vi.clearAllMocks();
});

it('reports a burst of changes once, when it is over', async () => {
  for (let change = 0; change < 3; change++) {
    open[0]?.();
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(onChange).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(onChange).toHaveBeenCalledTimes(1);
});

it('does not listen to every write of a large file, and misses nothing: it looks once more when it listens again', async () => {
  write();
  expect(open).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(99);
  expect(onChange).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(open).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(onChange).toHaveBeenCalledTimes(1);
});

it('reports now and then of a file that is written for long', async () => {
  for (let at = 0; at < 2000; at += 10) {
    write();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(onChange.mock.calls.length).toBeGreaterThanOrEqual(4);
  expect(onChange.mock.calls.length).toBeLessThanOrEqual(6);
});

it('ends while it does not listen', async () => {
  write();
  watching.cancel();
  await vi.advanceTimersByTimeAsync(1000);
  expect(open).toHaveLength(0);
  expect(onChange).not.toHaveBeenCalled();
});
