import { describe, expect, it } from 'vitest';
import { systemClock } from '../runtime/clock';
import { systemMachine } from '../runtime/machine';
import { worlds } from './testing/worlds';

describe.each(worlds)('CPU burn, %s', (_name, make) => {
  it('burns what is set, follows the slider, and stops', () => {
    const world = make();
    world.setFaults({ kind: 'cpu-burn', params: { cores: 2, percent: 50 } });
    expect(world.machine.burning).toBe(1);
    world.setFaults({ kind: 'cpu-burn', params: { cores: 1, percent: 25 } });
    expect(world.machine.burning).toBe(0.25);
    world.setFaults();
    expect(world.machine.burning).toBe(0);
  });
});

it('really uses the processor, and leaves the event loop free', async () => {
  const before = process.cpuUsage();
  const burden = systemMachine(systemClock).burn(1, 0.5);
  let turns = 0;
  while (process.cpuUsage(before).user < 150_000) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    turns++;
  }
  burden.release();
  expect(turns).toBeGreaterThan(1);
});
