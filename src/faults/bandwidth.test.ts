import { describe, expect, it } from 'vitest';
import { faultCounters } from './counters';
import { connected, hear, memoryWorld, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('bandwidth, %s', (_name, make) => {
  it('lets bytes pass at its rate, whole and in order, and holds the sender back', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    world.setFaults({ kind: 'bandwidth', params: { rate: 1000 } });
    const body = Array.from({ length: 20_000 }, (_, n) => String(n)).join(' ');
    const startedAt = world.node.clock.now();
    const sending = near.send(body).then(() => near.end());
    await world.until(() => heard.ended);
    await sending;
    expect(heard.text).toBe(body);
    expect(world.node.clock.now() - startedAt).toBeGreaterThanOrEqual(body.length / 1000 - 15);
    await close();
  });

  it('lets datagrams pass one after the other', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'bandwidth', params: { rate: 1 } });
    const sentAt = world.node.clock.now();
    for (const letter of ['a', 'b', 'c']) pair.send(letter.repeat(30));
    await world.until(() => pair.atNeighbour.length === 3);
    expect(world.node.clock.now() - sentAt).toBeGreaterThanOrEqual(89);
    expect(pair.atNeighbour.map((text) => text[0])).toEqual(['a', 'b', 'c']);
    await pair.close();
  });

  it('follows the slider with the datagrams that wait', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'bandwidth', params: { rate: 0.1 } });
    for (let n = 0; n < 5; n++) pair.send(`${n}`.repeat(1000));
    await world.pass(20);
    expect(pair.atNeighbour).toEqual([]);
    world.setFaults({ kind: 'bandwidth', params: { rate: 1000 } });
    await world.until(() => pair.atNeighbour.length === 5);
    expect(pair.atNeighbour.map((text) => text[0]).join('')).toBe('01234');
    await pair.close();
  });

  it('is lifted at once', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    world.setFaults({ kind: 'bandwidth', params: { rate: 0.1 } });
    near.write('a long time to wait for at a hundred bytes in a second'.repeat(100));
    await world.pass(20);
    expect(heard.text.length).toBeLessThan(100);
    world.setFaults();
    await world.until(() => heard.text.length === 5400);
    await close();
  });
});

describe('bandwidth by the clock', () => {
  it('is exact over seconds', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    world.setFaults({ kind: 'bandwidth', params: { rate: 50 } });
    near.write(new Uint8Array(1_000_000));
    await world.pass(1000);
    const first = heard.text.length;
    await world.pass(5000);
    expect((heard.text.length - first) / 250_000).toBeCloseTo(1, 2);
  });

  it('keeps its rate and order for some messages while others pass', async () => {
    const world = memoryWorld();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'bandwidth', params: { rate: 1 }, scope: { messages: ['SLOW'] } });
    for (const number of [1, 2, 3]) {
      pair.send(`SLOW ${number}`.padEnd(500));
      pair.send(`QUICK ${number}`);
    }
    await world.pass(600);
    const words = (): string[] => pair.atNeighbour.map((text) => text.trim());
    expect(words()).toEqual(['QUICK 1', 'QUICK 2', 'QUICK 3', 'SLOW 1']);
    await world.pass(1000);
    expect(words().slice(4)).toEqual(['SLOW 2', 'SLOW 3']);
  });

  it('loses the datagrams that its queue cannot hold, and counts them', async () => {
    const world = memoryWorld();
    const counters: Record<string, number> = {};
    world.node.telemetry.count = (name) => {
      counters[name] = (counters[name] ?? 0) + 1;
    };
    const pair = await udpPair(world);
    world.setFaults({ kind: 'bandwidth', params: { rate: 10 } });
    for (let n = 0; n < 200; n++) pair.send('x'.repeat(1000));
    await world.pass(60_000);
    const { met, lost } = faultCounters('bandwidth');
    expect(counters[met]).toBe(200);
    expect(counters[lost]).toBe(200 - pair.atNeighbour.length);
    // 64 KiB in the queue, and what leaves at once.
    expect(pair.atNeighbour.length).toBeGreaterThanOrEqual(64);
    expect(pair.atNeighbour.length).toBeLessThan(70);
  });
});
