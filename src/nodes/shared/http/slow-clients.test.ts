/** Clients that take their time, and those that take nothing any more. */
import { describe, expect, it } from 'vitest';
import { Fields } from '../../../protocol/http/fields';
import type { Connection } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { HttpServer, type RequestHandler } from './server';

const AT = { host: '127.0.0.1', port: 8000 };
const SIZE = 700_000;
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const BLOCK = SIZE / 10;
const atOnce: RequestHandler = (exchange) => exchange.reply(200, new Fields(), Buffer.alloc(SIZE));
const inBlocks: RequestHandler = async (exchange) => {
  exchange.begin(200, new Fields(), SIZE);
  for (let sent = 0; sent < SIZE; sent += BLOCK) await exchange.send(Buffer.alloc(BLOCK));
  exchange.end();
};

async function serve(handler = atOnce) {
  const world = new Simulation();
  const options = {
    ...{ idleMs: 5000, headMs: 2000, stallMs: 20_000, maxContent: 0, strict: false, name: '' },
    maxConnections: 10,
  };
  const server = new HttpServer(world.context('server'), options, handler);
  await server.start(AT);
  return { world, server };
}

/** Leaves its side open, whatever the server does, and stops reading after each `sip` bytes. */
async function dial(world: Simulation, sip = SIZE): Promise<{ connection: Connection; bytes: () => number }> {
  const connection = await world.network.host('client', world.clock).connect(AT);
  let bytes = 0;
  connection.handle({
    data: (part) => {
      if (Math.floor((bytes + part.length) / sip) > Math.floor(bytes / sip)) connection.pause();
      bytes += part.length;
    },
    end: () => {},
  });
  return { connection, bytes: () => bytes };
}

describe('HttpServer with slow clients', () => {
  it.each([
    ['given at once', atOnce],
    ['given in blocks of one size', inBlocks],
  ])('finishes a reply that is taken slowly, %s', async (_, handler) => {
    const { world } = await serve(handler);
    world.network.segmentSize = BLOCK;
    const { connection, bytes } = await dial(world, BLOCK);
    connection.write(REQUEST);
    for (let pauses = 0; pauses < 12; pauses++) {
      await world.advance(8000);
      connection.resume();
    }
    await world.settle();
    expect(bytes()).toBeGreaterThan(SIZE);
  });

  it('drops a client that takes nothing any more', async () => {
    const { world, server } = await serve();
    const { connection } = await dial(world);
    connection.pause();
    connection.write(REQUEST);
    await world.advance(15_000);
    expect(server.connections).toBe(1);
    await world.advance(10_000);
    expect(server.connections).toBe(0);
  });

  it('keeps no more interim replies for a client that takes nothing than of anything else', async () => {
    const link = 'x'.repeat(10_000);
    const { world } = await serve((exchange) => {
      for (let sent = 0; sent < 1000; sent++) exchange.interim(103, Fields.of(['Link', link]));
      atOnce(exchange);
    });
    const { connection, bytes } = await dial(world, Number.POSITIVE_INFINITY);
    connection.pause();
    connection.write(REQUEST);
    await world.settle();
    connection.resume();
    await world.advance(1000);
    expect(bytes()).toBeGreaterThan(SIZE);
    expect(bytes()).toBeLessThan(3_000_000);
  });

  it('does not wait long, when it drains, for a client that leaves its side open', async () => {
    const { world, server } = await serve();
    await dial(world);
    await world.settle();
    let drained = false;
    void server.drain().then(() => {
      drained = true;
    });
    await world.advance(6000);
    expect(drained).toBe(true);
  });
});
