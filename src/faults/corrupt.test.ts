import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connected, hear, memoryWorld, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('corruption, %s', (_name, make) => {
  it('damages some bytes of a stream and changes its length in nothing', async () => {
    const world = make();
    world.setFaults({ kind: 'corrupt', params: { every: 100 }, scope: { direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.end('a'.repeat(20_000));
    await world.until(() => heard.ended);
    expect(heard.text).toHaveLength(20_000);
    const wrong = [...heard.text].filter((letter) => letter !== 'a');
    // 200 are expected, σ = 14.
    expect(wrong.length).toBeGreaterThan(120);
    expect(wrong.length).toBeLessThan(280);
    world.setFaults();
    await close();
  });

  it('damages datagrams', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'corrupt', params: { every: 1 } });
    pair.send('HEARTBEAT');
    await world.until(() => pair.atNeighbour.length === 1);
    expect(pair.atNeighbour[0]).toHaveLength(9);
    expect(pair.atNeighbour[0]).not.toBe('HEARTBEAT');
    await pair.close();
  });
});

it('damages the same bytes however the stream is cut', async () => {
  const damaged = async (cuts: number[]): Promise<string> => {
    const world = memoryWorld();
    world.setFaults({ kind: 'corrupt', params: { every: 20 }, seed: 5, scope: { direction: 'out' } });
    const { near, far } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    const body = 'b'.repeat(500);
    let at = 0;
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      near.write(body.slice(at, cut));
      at = cut;
    }
    near.end(body.slice(at));
    await world.until(() => heard.ended);
    return heard.text;
  };
  const whole = await damaged([]);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: 499 }), { maxLength: 6 }), async (cuts) => {
      expect(await damaged(cuts)).toBe(whole);
    }),
    { numRuns: 15 },
  );
});
