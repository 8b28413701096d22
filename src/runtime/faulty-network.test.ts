import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connected, hear, memoryWorld, type PartialFault, udpPair, worlds } from '../faults/testing/worlds';

/** Faults that may delay bytes and must never lose, change or reorder them. */
const patient: PartialFault[] = [
  { id: 'latency', kind: 'latency', params: { delay: 40, jitter: 30 } },
  { id: 'latency', kind: 'latency', params: { delay: 5 } },
  { id: 'second', kind: 'latency', params: { delay: 10, jitter: 10, distribution: 'heavy' } },
  { id: 'bandwidth', kind: 'bandwidth', params: { rate: 2 } },
  { id: 'bandwidth', kind: 'bandwidth', params: { rate: 500 } },
  { id: 'start', kind: 'slow-start', params: { from: 1, doubling: 50 } },
  { id: 'slicer', kind: 'slicer', params: { size: 3, variation: 3, pause: 2 } },
  { id: 'close', kind: 'slow-close', params: { delay: 20 } },
  { id: 'hole', kind: 'black-hole' },
  { id: 'hole', kind: 'black-hole', scope: { direction: 'in' } },
  { id: 'cut', kind: 'partition' },
  { id: 'hang', kind: 'hang' },
  { id: 'answers', kind: 'slow-answers', params: { delay: 15 } },
  { id: 'typed', kind: 'latency', params: { delay: 30 }, scope: { messages: ['GET'] } },
  { id: 'flap', kind: 'partition', schedule: { onMs: 10, offMs: 10 } },
  { id: 'ramp', kind: 'latency', params: { delay: 50 }, schedule: { rampMs: 300 } },
];

type Step =
  | { act: 'write'; from: 'near' | 'far'; size: number; awaited: boolean }
  | { act: 'faults'; chain: number[] }
  | { act: 'pass'; ms: number }
  | { act: 'pause'; paused: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    act: fc.constant('write' as const),
    from: fc.constantFrom('near' as const, 'far' as const),
    size: fc.integer({ min: 1, max: 400 }),
    awaited: fc.boolean(),
  }),
  fc.record({
    act: fc.constant('faults' as const),
    chain: fc.uniqueArray(fc.nat(patient.length - 1), {
      maxLength: 5,
      selector: (index) => patient[index]?.id,
    }),
  }),
  fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ act: fc.constant('pause' as const), paused: fc.boolean() }),
);

describe('a connection whose chain of faults changes', () => {
  it('never loses, changes or reorders a byte, and ends cleanly', async () => {
    const dialler = fc.constantFrom('node' as const, 'neighbour' as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
        dialler,
        async (steps, by) => {
          const world = memoryWorld();
          const { near, far } = await connected(world, by);
          const atNode = hear(near);
          const atNeighbour = hear(far);
          const sent = { near: '', far: '' };
          let sends = 0;
          for (const each of steps) {
            if (each.act === 'write') {
              const text = `GET ${sent[each.from].length}\n`.repeat(Math.ceil(each.size / 8));
              sent[each.from] += text;
              const connection = each.from === 'near' ? near : far;
              if (each.awaited) {
                sends++;
                void connection.send(text).then(() => sends--);
              } else connection.write(text);
            } else if (each.act === 'faults') {
              world.setFaults(...each.chain.map((index) => patient[index] as PartialFault));
            } else if (each.act === 'pass') await world.pass(each.ms);
            else if (each.paused) near.pause();
            else near.resume();
          }
          near.resume();
          near.end();
          far.end();
          await world.pass(10);
          world.setFaults();
          await world.until(() => atNode.closed && atNeighbour.closed);
          expect(atNeighbour.text).toBe(sent.near);
          expect(atNode.text).toBe(sent.far);
          expect([atNode.error, atNeighbour.error]).toEqual([undefined, undefined]);
          expect(sends).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('delivers what was sent before a destroy, as a kernel does', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'latency', params: { delay: 50 } });
    await near.send('last words');
    near.destroy();
    await world.pass(1);
    expect(atNode.closed).toBe(true);
    expect(atNeighbour.text).toBe('');
    await world.until(() => atNeighbour.closed);
    expect(atNeighbour.text).toBe('last words');
  });

  it('applies faults in the order of the chain', async () => {
    const cut: PartialFault = {
      id: 'cut',
      kind: 'truncate',
      params: { bytes: 5 },
      scope: { direction: 'out' },
    };
    const drop: PartialFault = {
      id: 'drop',
      kind: 'lose-messages',
      scope: { direction: 'out', messages: ['GET'] },
    };
    const arriving = async (...chain: PartialFault[]): Promise<string> => {
      const world = memoryWorld();
      world.setFaults(...chain);
      const { near, far } = await connected(world, 'node');
      const heard = hear(far);
      hear(near);
      near.end('GET a\nHELLO\n');
      await world.until(() => heard.ended);
      return heard.text;
    };
    expect(await arriving(drop, cut)).toBe('HELLO');
    expect(await arriving(cut, drop)).toBe('');
  });

  it('calls a connection idle by what the node sees', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    hear(near);
    hear(far);
    let idle = 0;
    near.setIdle(1000, () => idle++);
    world.setFaults({ kind: 'black-hole' });
    for (let beat = 0; beat < 15; beat++) {
      far.write('x');
      await world.pass(100);
    }
    expect(idle).toBe(1);
    world.setFaults();
    await world.pass(500);
    expect(idle).toBe(1);
    await world.pass(600);
    expect(idle).toBe(2);
  });
});

describe.each(worlds)('setting faults, %s', (_name, make) => {
  it('never disturbs another: a fault keeps its counts, dice and what it holds', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    const held: PartialFault = { id: 'held', kind: 'black-hole', scope: { direction: 'out' } };
    world.setFaults(held);
    near.write('held');
    world.setFaults(held, { id: 'other', kind: 'latency', params: { delay: 1 } });
    world.setFaults({ id: 'other', kind: 'latency', params: { delay: 1 } }, held);
    world.setFaults(held);
    await world.pass(20);
    expect(heard.text).toBe('');
    world.setFaults();
    await world.until(() => heard.text === 'held');
    await close();
  });

  it('concerns nobody when its peer has no address yet', async () => {
    const world = make();
    world.setFaults({ kind: 'black-hole', scope: { peer: 'stopped' } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.write('x');
    await world.until(() => heard.text === 'x');
    await close();
  });

  it('ignores a kind that it does not know', async () => {
    const world = make();
    world.setFaults({ kind: 'from-another-version' });
    const { close } = await connected(world, 'node');
    await close();
  });
});

describe('a schedule', () => {
  it('begins and ends by itself, counted from when the fault was set, not from when the node started', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    const since = world.node.clock.wallTime() - 4000;
    world.setFaults({ kind: 'black-hole', since, schedule: { afterMs: 5000, forMs: 2000 } });
    near.write('1');
    await world.pass(1500);
    expect(heard.text).toBe('1');
    near.write('2');
    await world.pass(1000);
    expect(heard.text).toBe('1');
    await world.pass(1000);
    expect(heard.text).toBe('12');
  });

  it('ramps', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    const heard = hear(far, world.neighbour.clock);
    hear(near);
    const params = { delay: 500 };
    world.setFaults({ kind: 'latency', params, schedule: { rampMs: 10_000 }, scope: { direction: 'out' } });
    const sentAt: number[] = [];
    for (let beat = 0; beat < 12; beat++) {
      sentAt.push(world.node.clock.now());
      near.write('x');
      await world.pass(1000);
    }
    const delays = heard.times.map((at, beat) => at - (sentAt[beat] as number));
    expect(delays[0]).toBeLessThanOrEqual(10);
    expect(delays[5]).toBeGreaterThan(240);
    expect(delays[5]).toBeLessThan(290);
    expect(delays[11]).toBe(500);
  });
});

describe('connections that wait for a node that hangs', () => {
  const AT = { host: '127.0.0.1', port: 7000 };

  it('are reset when the node stops listening, and never reach it', async () => {
    const world = memoryWorld();
    const accepted: number[] = [];
    const listener = await world.node.net.listen(AT, (connection) => {
      accepted.push(connection.remote.port);
      connection.handle({ data: () => {} });
    });
    world.setFaults({ kind: 'hang' });
    const waiting = await world.neighbour.net.connect(AT);
    const atNeighbour = hear(waiting);
    await world.pass(10);
    expect(atNeighbour.closed).toBe(false);
    await listener.close();
    world.setFaults();
    await world.pass(10);
    expect(accepted).toEqual([]);
    expect(atNeighbour.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('are let go when the node gave them up meanwhile', async () => {
    const world = memoryWorld();
    const ends: boolean[] = [];
    await world.neighbour.net.listen(AT, (connection) =>
      connection.handle({ data: () => {}, close: () => ends.push(true) }),
    );
    const giveUp = new AbortController();
    const dialled = world.node.net.connect(AT, { signal: giveUp.signal });
    dialled.catch(() => {});
    world.setFaults({ kind: 'hang' });
    await world.pass(10);
    giveUp.abort();
    world.setFaults();
    await expect(dialled).rejects.toMatchObject({ name: 'AbortError' });
    await world.pass(10);
    expect(ends).toEqual([true]);
  });
});

describe('datagrams behind a fault', () => {
  it('arrive when all faults are healed together, also those that waited in front of another one', async () => {
    const world = memoryWorld();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'latency', params: { delay: 1000 } }, { kind: 'hang' });
    pair.send('sent');
    pair.receive('received');
    await world.pass(10);
    world.setFaults();
    await world.pass(10);
    expect([pair.atNeighbour, pair.atNode]).toEqual([['sent'], ['received']]);
  });

  it('reach the peer they are for, however many peers there are', async () => {
    const world = memoryWorld();
    const node = await world.node.net.bind({ host: '127.0.0.1', port: 7000 }, (bytes, from) =>
      node.send(`for ${from.port}: ${Buffer.from(bytes)}`, from),
    );
    world.setFaults({ kind: 'latency', params: { delay: 10 } });
    const wrong: string[] = [];
    let right = 0;
    const peers = await Promise.all(
      Array.from({ length: 1100 }, async () => {
        const peer = await world.neighbour.net.bind({ host: '127.0.0.1', port: 0 }, (bytes) => {
          const text = Buffer.from(bytes).toString();
          if (text === `for ${peer.local.port}: from ${peer.local.port}`) right++;
          else wrong.push(text);
        });
        return peer;
      }),
    );
    for (const peer of peers) peer.send(`from ${peer.local.port}`, node.local);
    await world.pass(100);
    expect(wrong).toEqual([]);
    expect(right).toBe(peers.length);
  });
});

it('a closed connection is not watched for idleness', async () => {
  const world = memoryWorld();
  const { near } = await connected(world, 'node');
  hear(near);
  world.setFaults({ kind: 'latency', params: { delay: 10 } });
  near.destroy();
  await world.pass(1);
  let idle = 0;
  near.setIdle(1000, () => idle++);
  await world.pass(5000);
  expect(idle).toBe(0);
});
