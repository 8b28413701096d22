import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chances } from './loss';
import { memoryWorld, sendNumbered, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('loss, %s', (_name, make) => {
  it('loses its share of the datagrams, the same ones with the same seed', async () => {
    const runs: string[][] = [];
    for (const seed of [3, 3, 4]) {
      const world = make();
      const pair = await udpPair(world);
      world.setFaults({ kind: 'loss', seed, params: { percent: 30 } });
      await sendNumbered(world, pair, 400);
      runs.push([...pair.atNeighbour]);
      await pair.close();
    }
    const [first = [], again = [], other = []] = runs;
    // 280 are expected to arrive, σ = 9.2.
    expect(first.length).toBeGreaterThan(240);
    expect(first.length).toBeLessThan(320);
    // The dice belong to the pair of addresses; ports differ from run to run on real sockets.
    if (make === worlds[1]?.[1]) {
      expect(again).toEqual(first);
      expect(other).not.toEqual(first);
    }
  });

  it('narrowed to a type, leaves other datagrams alone', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'loss', params: { percent: 100 }, scope: { messages: ['HEARTBEAT'] } });
    pair.send('HEARTBEAT CS1');
    pair.send('PING');
    await world.until(() => pair.atNeighbour.length === 1);
    expect(pair.atNeighbour).toEqual(['PING']);
    await pair.close();
  });

  it('loses the first few, or every second', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'loss', params: { percent: 100 }, pick: { first: 2 } });
    for (const text of ['1', '2', '3', '4']) pair.send(text);
    await world.until(() => pair.atNeighbour.length === 2);
    world.setFaults({ id: 'other', kind: 'loss', params: { percent: 100 }, pick: { every: 2 } });
    for (const text of ['5', '6', '7', '8']) pair.send(text);
    await world.until(() => pair.atNeighbour.length === 4);
    expect(pair.atNeighbour).toEqual(['3', '4', '5', '7']);
    await pair.close();
  });
});

describe('bursts', () => {
  it('never change the share, and are as long as they were set where there is room for it', () => {
    const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(share, fc.double({ min: 1, max: 1000, noNaN: true }), (share, burst) => {
        const { begins, ends } = chances(share, burst);
        for (const chance of [begins, ends]) {
          expect(chance).toBeGreaterThan(0);
          expect(chance).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(begins / (begins + ends)).toBeCloseTo(share, 9);
        if (burst > Math.max(1, share / (1 - share))) expect(1 / ends).toBeCloseTo(burst, 6);
      }),
    );
  });

  it('keep the share and have the mean length', async () => {
    const world = memoryWorld();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'loss', seed: 1, params: { percent: 20, burst: 5 } });
    await sendNumbered(world, pair, 20_000);
    const arrived = new Set(pair.atNeighbour);
    let bursts = 0;
    let lost = 0;
    for (let n = 0; n < 20_000; n++) {
      if (arrived.has(`D ${n}`)) continue;
      lost++;
      if (n === 0 || arrived.has(`D ${n - 1}`)) bursts++;
    }
    expect(lost / 20_000).toBeCloseTo(0.2, 1);
    expect(lost / bursts).toBeGreaterThan(4.3);
    expect(lost / bursts).toBeLessThan(5.7);
  });
});
