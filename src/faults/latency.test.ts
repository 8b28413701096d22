import { describe, expect, it } from 'vitest';
import { seededRandom } from '../runtime/random';
import { delayOf } from './delay';
import { connected, hear, memoryWorld, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('latency, %s', (_name, make) => {
  it('makes bytes late in the chosen direction, on a connection that is already open', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'latency', params: { delay: 60 }, scope: { direction: 'out' } });
    const sentAt = world.node.clock.now();
    near.write('slow');
    far.write('quick');
    await world.until(() => atNode.text === 'quick');
    expect(atNeighbour.text).toBe('');
    await world.until(() => atNeighbour.text === 'slow');
    expect(world.node.clock.now() - sentAt).toBeGreaterThanOrEqual(59);
    await close();
  });

  it('gives up at once, and in order, what it held when it is removed', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    world.setFaults({ kind: 'latency', params: { delay: 60_000 } });
    for (let n = 0; n < 100; n++) near.write(`${n} `);
    near.end();
    await world.pass(20);
    expect(heard.text).toBe('');
    world.setFaults();
    await world.until(() => heard.ended);
    expect(heard.text).toBe(Array.from({ length: 100 }, (_, n) => `${n} `).join(''));
    await close();
  });

  it('follows the slider: what waits is due by the new setting', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    world.setFaults({ kind: 'latency', params: { delay: 60_000 } });
    near.write('x');
    world.setFaults({ kind: 'latency', params: { delay: 10 } });
    await world.until(() => heard.text === 'x');
    await close();
  });

  it('delays datagrams', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'latency', params: { delay: 40 } });
    const sentAt = world.node.clock.now();
    pair.send('late');
    await world.until(() => pair.atNeighbour.length === 1);
    expect(world.node.clock.now() - sentAt).toBeGreaterThanOrEqual(39);
    await pair.close();
  });
});

describe('latency by the clock', () => {
  it('is exact, adds up along the chain, and makes a handshake take a round trip', async () => {
    const world = memoryWorld();
    world.setFaults(
      { id: 'a', kind: 'latency', params: { delay: 100 } },
      { id: 'b', kind: 'latency', params: { delay: 30 }, scope: { direction: 'out' } },
    );
    let near: Awaited<ReturnType<typeof world.node.net.connect>> | undefined;
    const listener = await world.neighbour.net.listen({ host: '127.0.0.1', port: 0 }, (c) => void hear(c));
    void world.node.net.connect(listener.local).then((connection) => {
      near = connection;
    });
    await world.pass(229);
    expect(near).toBeUndefined();
    await world.pass(1);
    expect(near).toBeDefined();
  });

  it.each(['uniform', 'normal', 'heavy'] as const)('jitters as said: %s', (distribution) => {
    const random = seededRandom(7);
    const delays = Array.from({ length: 20_000 }, () =>
      delayOf({ delay: 200, jitter: 20, distribution }, random()),
    );
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    const deviation = Math.sqrt(delays.reduce((sum, delay) => sum + (delay - mean) ** 2, 0) / delays.length);
    // Even: σ = jitter/√3. Bell: σ = jitter. Pareto with shape 3: mean excess jitter/2.
    const expected = { uniform: [200, 11.55], normal: [200, 20], heavy: [210, 17.3] }[distribution] as [
      number,
      number,
    ];
    expect(mean).toBeCloseTo(expected[0], -0.5);
    if (distribution !== 'heavy') expect(deviation).toBeCloseTo(expected[1], -0.5);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  });
});
