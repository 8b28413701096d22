import { describe, expect, it } from 'vitest';
import { systemClock } from '../runtime/clock';
import { systemMachine } from '../runtime/machine';
import { worlds } from './testing/worlds';

describe.each(worlds)('memory pressure, %s', (_name, make) => {
  it('grows up to the limit and gives everything back', async () => {
    const world = make();
    world.setFaults({ kind: 'memory', params: { limit: 10, rate: 1000 } });
    await world.pass(5);
    world.machine.tick();
    const early = world.machine.allocated;
    expect(early).toBeGreaterThan(0);
    await world.pass(30);
    world.machine.tick();
    world.machine.tick();
    expect(world.machine.allocated).toBe(10_000_000);
    world.setFaults();
    expect(world.machine.allocated).toBe(0);
  });
});

it('really takes memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  const burden = systemMachine(systemClock).allocate(8_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThanOrEqual(8_000_000);
  burden.release();
});
