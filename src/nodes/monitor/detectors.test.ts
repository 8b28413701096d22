import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../shared/testing/micro-cdn-world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const down = () => world.events('monitor', 'server-down');

describe('a monitor that asks others', () => {
  it('spares a server whose heartbeats are lost, because it answers', async () => {
    await world.monitor({ index: null, confirm: 1 });
    await world.content(1, { index: null });
    await world.sim.advance(4000);
    // Its heartbeats stop to arrive: the monitor is deaf to it.
    await silence(1);
    await world.sim.advance(60_000);
    expect(down()).toEqual([]);
    expect(world.events('monitor', 'server-confirmed').length).toBeGreaterThan(3);
  });

  it('asks other servers too, and one answer is enough', async () => {
    await world.monitor({ index: null, confirm: 2 });
    await world.content(1, { index: null });
    await world.content(2, { index: null });
    await world.sim.advance(4000);
    await silence(1);
    await world.sim.advance(9000);
    expect(world.recorded('CS2').traces.some((trace) => trace.startsWith('< PROBE'))).toBe(true);
    expect(world.recorded('monitor').traces.some((trace) => /^< PROBED \S+ up$/.test(trace))).toBe(true);
    expect(down()).toEqual([]);
  });

  it('still declares dead what does not answer anybody', async () => {
    await world.monitor({ index: null, confirm: 2 });
    await world.content(1, { index: null });
    await world.content(2, { index: null });
    await world.sim.advance(4000);
    world.crash('CS1');
    await world.sim.advance(12_000);
    expect(down()).toHaveLength(1);
    expect(down()[0]).toContain('CS1');
  });

  it('is asked nothing when it is told to be strict', async () => {
    await world.monitor({ index: null, confirm: 2, strict: true });
    await world.content(1, { index: null });
    await world.sim.advance(4000);
    world.crash('CS1');
    await world.sim.advance(12_000);
    expect(down()).toHaveLength(1);
    expect(world.recorded('monitor').traces.some((trace) => trace.startsWith('> PROBE'))).toBe(false);
  });

  /** Replaces a server by one that answers and sends no heartbeats. */
  async function silence(number: number): Promise<void> {
    world.crash(`CS${number}`);
    await world.content(number, { index: null, monitor: null });
  }
});

describe('a monitor that judges by φ', () => {
  it('declares a regular server dead sooner than the fixed time-out, and takes it back', async () => {
    await world.monitor({ index: null, detector: 'accrual', threshold: 8, checkMs: 0 });
    await world.content(1, { index: null });
    await world.sim.advance(60_000);
    world.crash('CS1');
    await world.sim.advance(7000);
    expect(down()).toHaveLength(1);
    await world.content(1, { index: null });
    await world.sim.advance(1000);
    expect(world.events('monitor', 'server-up')).toHaveLength(1);
  });
});
