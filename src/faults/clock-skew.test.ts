import { describe, expect, it } from 'vitest';
import { memoryWorld, worlds } from './testing/worlds';

describe.each(worlds)('clock skew, %s', (_name, make) => {
  it('moves the time of day and no timer', async () => {
    const world = make();
    const before = world.node.clock.wallTime();
    world.setFaults({ kind: 'clock-skew', params: { skew: 3_600_000 } });
    expect(world.node.clock.wallTime() - before).toBeGreaterThanOrEqual(3_600_000);
    let fired = false;
    world.node.clock.after(5, () => {
      fired = true;
    });
    await world.until(() => fired);
    world.setFaults();
    expect(world.node.clock.wallTime() - before).toBeLessThan(3_600_000);
  });

  it('that drifts makes timers late, those that wait already too', async () => {
    const world = make();
    const { clock } = world.neighbour;
    const startedAt = clock.now();
    const fired: number[] = [];
    world.node.clock.after(10, () => fired.push(clock.now()));
    world.setFaults({ kind: 'clock-skew', params: { skew: 0, drift: -80 } });
    world.node.clock.after(10, () => fired.push(clock.now()));
    await world.until(() => fired.length === 2);
    for (const at of fired) expect(at - startedAt).toBeGreaterThanOrEqual(40);
  });
});

describe('drift', () => {
  it('makes timers early, those that wait already too', async () => {
    const world = memoryWorld();
    const fired: string[] = [];
    world.node.clock.after(1000, () => fired.push('old'));
    world.setFaults({ kind: 'clock-skew', params: { skew: 0, drift: 100 } });
    world.node.clock.after(600, () => fired.push('new'));
    await world.pass(299);
    expect(fired).toEqual([]);
    await world.pass(1);
    expect(fired).toEqual(['new']);
    await world.pass(200);
    expect(fired).toEqual(['new', 'old']);
  });

  it('leaves the right time of day when it is healed, and bends it from there', async () => {
    const world = memoryWorld();
    const error = (): number => world.node.clock.wallTime() - world.neighbour.clock.wallTime();
    for (const drift of [100, -50]) {
      world.setFaults({ kind: 'clock-skew', params: { skew: 0, drift } });
      expect(error()).toBe(0);
      await world.pass(60_000);
      expect(error()).toBe(drift * 600);
      world.setFaults();
      expect(error()).toBe(0);
    }
  });

  it('never lets time go back', async () => {
    const world = memoryWorld();
    let last = world.node.clock.now();
    for (const drift of [100, -50, 0, 900, -90]) {
      world.setFaults({ kind: 'clock-skew', params: { skew: 0, drift } });
      for (let step = 0; step < 3; step++) {
        await world.pass(10);
        expect(world.node.clock.now()).toBeGreaterThanOrEqual(last);
        last = world.node.clock.now();
      }
    }
  });
});
