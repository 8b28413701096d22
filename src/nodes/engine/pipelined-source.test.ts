import { expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { RawPeer } from '../shared/testing/raw-peer';
import { PipelinedSource, type RangeDialect, type Replies } from './pipelined-source';
import type { OpenSource, RangeRequest } from './source';

const AT = { host: '127.0.0.1', port: 8000 };
const KIB = 1024;

/** Asks `offset+length`, or `?`; answers are the bytes alone, and `?` for a question. */
const dialect: RangeDialect = {
  request: ({ offset, length }) => `${offset}+${length}\n`,
  probe: () => '?\n',
  reader: (replies: Replies) => {
    let left = 0;
    return {
      push(bytes) {
        for (let at = 0; at < bytes.length; ) {
          const { expected } = replies;
          if (expected === undefined) throw new Error('Nobody asked.');
          if (left === 0) left = expected === 'probe' ? 1 : expected.length;
          const count = Math.min(left, bytes.length - at);
          if (expected !== 'probe') replies.bytes(bytes.subarray(at, at + count));
          at += count;
          left -= count;
          if (left === 0) replies.end(false);
        }
      },
    };
  },
};

class World {
  readonly sim = new Simulation();
  /** Connections of the source, as its server sees them. */
  readonly served: RawPeer[] = [];
  /** What the engine was told, in order. */
  readonly told: string[] = [];
  source!: OpenSource;

  static async open(): Promise<World> {
    const world = new World();
    const accept = (connection: Connection): void => void world.served.push(new RawPeer(connection));
    await world.sim.network.host('server').listen(AT, accept);
    world.source = await new PipelinedSource(world.sim.context('client'), 's', AT, dialect).open(
      {
        data: (id, bytes) => void world.told.push(`${id}: ${bytes.length}`),
        life: () => void world.told.push('life'),
        gone: (error) => void world.told.push(`gone: ${error.message}`),
        rejected: () => {},
        choked: () => {},
        have: () => {},
      },
      new AbortController().signal,
    );
    return world;
  }

  async ask(...ranges: [id: number, offset: number, length: number][]): Promise<void> {
    this.source.request(ranges.map(([id, offset, length]): RangeRequest => ({ id, offset, length })));
    await this.sim.settle();
  }

  async answer(bytes: number): Promise<void> {
    this.served.at(-1)?.send(Buffer.alloc(bytes));
    await this.sim.settle();
  }
}

it('asks for neighbouring ranges as one, and tells whose bytes came', async () => {
  const world = await World.open();
  await world.ask([1, 0, 100], [2, 100, 100], [3, 500, 10]);
  expect(world.served[0]?.lines).toEqual(['0+200', '500+10']);
  await world.answer(50);
  await world.answer(100);
  await world.answer(60);
  expect(world.told).toEqual(['1: 50', '1: 50', '2: 50', '2: 50', '3: 10']);
});

it('throws away what was cancelled in the middle of an answer', async () => {
  const world = await World.open();
  await world.ask([1, 0, 100], [2, 100, 100], [3, 200, 100]);
  world.source.cancel(2);
  await world.answer(300);
  expect(world.told).toEqual(['1: 100', 'life', '3: 100']);
});

it('takes the rest to a new connection when too much would come in vain', async () => {
  const world = await World.open();
  await world.ask([1, 0, 600 * KIB], [2, 600 * KIB, KIB], [3, 601 * KIB, KIB]);
  await world.answer(KIB);
  world.source.cancel(1);
  await world.sim.settle();
  expect(world.served).toHaveLength(2);
  expect(world.served[1]?.lines).toEqual([`${600 * KIB}+${2 * KIB}`]);
  await world.answer(2 * KIB);
  expect(world.told).toEqual([`1: ${KIB}`, `2: ${KIB}`, `3: ${KIB}`]);
});

it('is gone when the server closes in the middle of an answer, were it between two of its parts', async () => {
  const world = await World.open();
  await world.ask([1, 0, 100], [2, 100, 100]);
  await world.answer(100);
  world.served[0]?.connection.end();
  await world.sim.settle();
  expect(world.told).toEqual(['1: 100', 'gone: It closed the connection.']);
});

it('asks again when the server closes between two answers', async () => {
  const world = await World.open();
  await world.ask([1, 0, 100], [2, 500, 100]);
  await world.answer(100);
  world.served[0]?.connection.end();
  await world.sim.settle();
  expect(world.served[1]?.lines).toEqual(['500+100']);
  await world.answer(100);
  expect(world.told).toEqual(['1: 100', '2: 100']);
});
