import { describe, expect, it } from 'vitest';
import { systemClock } from '../runtime/clock';
import { systemMachine } from '../runtime/machine';
import { worlds } from './testing/worlds';

describe.each(worlds)('stalls, %s', (_name, make) => {
  it('come again and again until it is healed', () => {
    const world = make();
    world.setFaults({ kind: 'stall', params: { lasts: 300, pause: 1000 } });
    world.machine.tick();
    world.machine.tick();
    expect(world.machine.stalledMs).toBe(600);
    world.setFaults();
    world.machine.tick();
    expect(world.machine.stalledMs).toBe(600);
  });
});

it('really stops the event loop', () => {
  const before = performance.now();
  systemMachine(systemClock).stall(20);
  expect(performance.now() - before).toBeGreaterThanOrEqual(20);
});
