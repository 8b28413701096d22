import { describe, expect, it } from 'vitest';
import { connected, hear, memoryWorld, worlds } from './testing/worlds';

describe.each(worlds)('slow start of connections, %s', (_name, make) => {
  it('delivers everything in order', async () => {
    const world = make();
    world.setFaults({ kind: 'slow-start', params: { from: 200, doubling: 10 } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    const body = Array.from({ length: 5000 }, (_, n) => String(n)).join(' ');
    near.end(body);
    await world.until(() => heard.ended);
    expect(heard.text).toBe(body);
    await close();
  });
});

describe('slow start by the clock', () => {
  it('is slow at first and doubles', async () => {
    const world = memoryWorld();
    world.setFaults({
      kind: 'slow-start',
      params: { from: 10, doubling: 1000 },
      scope: { direction: 'out' },
    });
    const { near, far } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.write(new Uint8Array(1_000_000));
    // The integral of 10 kB/s doubling every second: 10 (2^t − 1) / ln 2 kB.
    await world.pass(1000);
    const afterOne = heard.text.length;
    await world.pass(2000);
    const afterThree = heard.text.length;
    expect(afterOne / 14_427).toBeCloseTo(1, 0);
    expect(afterThree / afterOne).toBeGreaterThan(5.5);
    expect(afterThree / afterOne).toBeLessThan(8);
  });
});
