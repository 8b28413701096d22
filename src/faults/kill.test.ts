import { describe, expect, it } from 'vitest';
import { memoryWorld, worlds } from './testing/worlds';

describe.each(worlds)('kill, %s', (_name, make) => {
  it('ends the process at once', () => {
    const world = make();
    world.setFaults({ kind: 'kill' });
    expect(world.machine.crashes).toBe(1);
    world.setFaults({ kind: 'kill' });
    expect(world.machine.crashes).toBe(1);
  });
});

it('can wait for its time', async () => {
  const world = memoryWorld();
  world.setFaults({ kind: 'kill', schedule: { afterMs: 10_000 } });
  await world.pass(9_999);
  expect(world.machine.crashes).toBe(0);
  await world.pass(1);
  expect(world.machine.crashes).toBe(1);
});
