import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader, PREAMBLE } from '../../../protocol/ring-frames';
import type { Connection } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { PeerLink, type RequestHandler, servePeer } from './peer-link';

const AT = { host: '127.0.0.1', port: 4043 };
const REQUESTS = 200;
const PIECE = 128 * 1024;

/** A peer that sends many requests and reads none of the answers until it resumes. */
async function unreadRequests(
  handle: RequestHandler,
): Promise<{ sim: Simulation; client: Connection; server: Connection; answers: unknown[] }> {
  const sim = new Simulation();
  let accepted: Connection | undefined;
  await sim.network.host('server', sim.clock).listen(AT, (connection) => {
    accepted = connection;
    connection.handle({ data: servePeer(connection, handle) });
  });
  const client = await sim.network.host('client', sim.clock).connect(AT);
  const answers: unknown[] = [];
  const frames = new FrameReader();
  client.handle({
    data: (bytes) => frames.push(bytes, ({ header, body }) => answers.push([header.re, body.length])),
  });
  client.pause();
  for (let id = 1; id <= REQUESTS; id++) client.write(encodeFrame({ id }));
  await sim.settle();
  return { sim, client, server: accepted as Connection, answers };
}

describe('a peer that does not read its answers', () => {
  it('has one body made for it at a time, and gets all of them when it reads on', async () => {
    let made = 0;
    const body = async (): Promise<Uint8Array> => {
      made++;
      return Buffer.alloc(PIECE);
    };
    const { sim, client, server, answers } = await unreadRequests(async () => ({ header: {}, body }));
    expect(made).toBe(1);
    expect(server.pendingBytes).toBeLessThan(2 * PIECE);
    client.resume();
    await sim.settle();
    expect(answers).toEqual(Array.from({ length: REQUESTS }, (_, at) => [at + 1, PIECE]));
  });

  it('is cut off when answers without a body fill the memory', async () => {
    const { server } = await unreadRequests(async () => ({ header: { items: 'x'.repeat(PIECE) } }));
    expect(server.closed).toBe(true);
  });

  it('has nothing more made for it once it is gone', async () => {
    let made = 0;
    const body = async (): Promise<Uint8Array> => {
      made++;
      return Buffer.alloc(PIECE);
    };
    const { sim, client } = await unreadRequests(async () => ({ header: {}, body }));
    client.reset();
    await sim.settle();
    expect(made).toBe(1);
  });
});

it('stays open while a request is worked on, however long that takes, and ends when nothing moves any more', async () => {
  const sim = new Simulation();
  await sim.network.host('server', sim.clock).listen(AT, (connection) => {
    const serve = servePeer(connection, async () => {
      await sim.clock.sleep(300_000);
      return { header: { done: true } };
    });
    let left = PREAMBLE.length;
    connection.handle({
      data: (bytes) => {
        const cut = Math.min(left, bytes.length);
        left -= cut;
        serve(bytes.subarray(cut));
      },
    });
  });
  const link = await PeerLink.open(sim.network.host('client', sim.clock), sim.clock, AT, 1000);
  const answer = link.request({ op: 'put-end' }, 600_000);
  answer.catch(() => {});
  await sim.advance(400_000);
  expect((await answer).header.done).toBe(true);
  expect(link.closed).toBe(true);
});
