import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { atNextFrame } from './next-frame';

let frames: Map<number, () => void>;

beforeEach(() => {
  vi.useFakeTimers();
  frames = new Map();
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.set(frames.size + 1, run).size);
  vi.stubGlobal('cancelAnimationFrame', (id: number) => frames.delete(id));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('runs at the next frame, once', () => {
  const apply = vi.fn();
  atNextFrame(apply);
  for (const run of frames.values()) run();
  vi.runAllTimers();
  expect(apply).toHaveBeenCalledOnce();
});

it('runs without a frame, where the page was hidden before it came, and not again when it is shown', () => {
  const apply = vi.fn();
  atNextFrame(apply);
  vi.runAllTimers();
  for (const run of frames.values()) run();
  expect(apply).toHaveBeenCalledOnce();
});
