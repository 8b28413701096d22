/** The server side on a network in memory: pipelining, deadlines, limits, content, drain. */
import { describe, expect, it } from 'vitest';
import { Fields } from '../../../protocol/http/fields';
import type { Connection } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { HttpServer, type HttpServerOptions, type RequestHandler } from './server';

const AT = { host: '127.0.0.1', port: 8000 };
const options: HttpServerOptions = {
  idleMs: 5000,
  headMs: 2000,
  stallMs: 4000,
  maxContent: 1000,
  strict: false,
  name: '',
  maxConnections: 1000,
};

async function serve(handler: RequestHandler, more: Partial<HttpServerOptions> = {}) {
  const world = new Simulation();
  const server = new HttpServer(world.context('server'), { ...options, ...more }, handler);
  await server.start(AT);
  return { world, server };
}

type Served = Awaited<ReturnType<typeof serve>>;

async function dial(
  world: Simulation,
): Promise<{ connection: Connection; received: () => string; closed: () => boolean }> {
  const connection = await world.network.host('client', world.clock).connect(AT);
  let text = '';
  let closed = false;
  connection.handle({
    data: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
    },
    end: () => {
      closed = true;
      connection.end();
    },
    close: () => {
      closed = true;
    },
  });
  return { connection, received: () => text, closed: () => closed };
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const echo: RequestHandler = (exchange) => exchange.explain(200, exchange.head.target);
const bodies = (text: string): string[] =>
  [...text.matchAll(/\r\n\r\n(\S+)\n/g)].map((match) => match[1] as string);

describe('HttpServer', () => {
  it('answers pipelined requests in order, also when the first takes its time', async () => {
    const { world } = await serve((exchange) => {
      if (exchange.head.target === '/slow') void world.clock.after(1000, () => echo(exchange));
      else echo(exchange);
    });
    const { connection, received } = await dial(world);
    connection.write(get('/1') + get('/slow') + get('/3') + get('/4'));
    await world.settle();
    expect(bodies(received())).toEqual(['/1']);
    await world.advance(1000);
    expect(bodies(received())).toEqual(['/1', '/slow', '/3', '/4']);
  });

  it.each([1, 7, 4096])('takes segments of %i bytes', async (segment) => {
    const { world } = await serve((exchange) => {
      const parts: string[] = [];
      exchange.readContent({
        part: (bytes) => parts.push(Buffer.from(bytes).toString()),
        end: () => exchange.explain(200, `${exchange.head.target}:${parts.join('')}`),
      });
    });
    world.network.segmentSize = segment;
    const { connection, received } = await dial(world);
    connection.write(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz${get('/b')}`);
    await world.settle();
    expect(bodies(received())).toEqual(['/a:xyz', '/b:']);
  });

  it('ends an idle connection in silence, and a slow head with 408', async () => {
    const { world } = await serve(echo);
    const idle = await dial(world);
    const slow = await dial(world);
    idle.connection.write(get('/'));
    for (const byte of 'GET / HTTP/1.1\r\nHo') {
      slow.connection.write(byte);
      await world.advance(200);
    }
    expect(slow.received()).toMatch(/^HTTP\/1\.1 408 /);
    await world.advance(10_000);
    expect([idle.closed(), slow.closed()]).toEqual([true, true]);
    expect(idle.received()).not.toContain('408');
  });

  it('answers 408 when content stops coming', async () => {
    const { world } = await serve((exchange) =>
      exchange.readContent({ part: () => {}, end: () => echo(exchange) }),
    );
    const { connection, received } = await dial(world);
    connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await world.advance(10_000);
    expect(received()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('answers 413 for content that is too long, and 417 for an unknown expectation', async () => {
    const { world } = await serve(echo);
    for (const [lines, status] of [
      ['Content-Length: 1001\r\n', 413],
      ['Expect: magic\r\n', 417],
    ] as const) {
      const { connection, received, closed } = await dial(world);
      connection.write(get('/', lines));
      await world.settle();
      expect(received()).toContain(`HTTP/1.1 ${status} `);
      expect(closed()).toBe(true);
    }
  });

  it('tells a client to go on when the content is wanted, and not before', async () => {
    const { world } = await serve((exchange) => {
      world.clock.after(100, () => exchange.readContent({ part: () => {}, end: () => echo(exchange) }));
    });
    const { connection, received } = await dial(world);
    connection.write('PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await world.settle();
    expect(received()).toBe('');
    await world.advance(100);
    expect(received()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    connection.write('hi');
    await world.settle();
    expect(bodies(received())).toEqual(['/x']);
  });

  it('throws content away that nobody reads, and keeps the connection', async () => {
    const { world } = await serve(echo);
    const { connection, received } = await dial(world);
    connection.write(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n${'x'.repeat(300)}`);
    await world.settle();
    connection.write('x'.repeat(200) + get('/b'));
    await world.settle();
    expect(bodies(received())).toEqual(['/a', '/b']);
  });

  it.each([
    ['drops', ({ world }: Served) => world.advance(2 * options.stallMs)],
    [
      'does not wait, when it drains, for',
      ({ world, server }: Served) => {
        void server.drain();
        return world.settle();
      },
    ],
  ])('%s a client whose content, which nobody reads, does not come', async (_, pass) => {
    const served = await serve(echo);
    const { connection, received } = await dial(served.world);
    connection.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n');
    await served.world.settle();
    expect(bodies(received())).toEqual(['/a']);
    await pass(served);
    expect(served.server.connections).toBe(0);
  });

  it('chunks what has no known length, and ends with the connection for HTTP/1.0', async () => {
    const { world } = await serve((exchange) => {
      exchange.begin(200, new Fields(), undefined);
      void exchange.write(Buffer.from('one'));
      void exchange.write(Buffer.from('two'));
      exchange.end();
    });
    const modern = await dial(world);
    const old = await dial(world);
    modern.connection.write(get('/'));
    old.connection.write('GET / HTTP/1.0\r\n\r\n');
    await world.settle();
    expect(modern.received()).toMatch(
      /Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/s,
    );
    expect(old.received()).toMatch(/Connection: close\r\n\r\nonetwo$/);
    expect([modern.closed(), old.closed()]).toEqual([false, true]);
  });

  it('offers to keep the connection in a reply that was made before, where the client asks for it', async () => {
    const prepared = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n');
    const { world } = await serve((exchange) => {
      if (exchange.takesPrepared) exchange.sendPrepared(prepared);
      else exchange.explain(200, 'anew');
    });
    const asked = async (request: string) => {
      const { connection, received, closed } = await dial(world);
      connection.write(request);
      await world.settle();
      return { text: received(), closed: closed() };
    };
    const offered = prepared
      .toString()
      .replace('OK\r\n', 'OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n');
    const keep = 'Connection: Keep-Alive\r\n';
    expect(await asked(get('/'))).toEqual({ text: prepared.toString(), closed: false });
    expect(await asked(get('/', keep))).toEqual({ text: offered, closed: false });
    expect(await asked(`GET / HTTP/1.0\r\n${keep}\r\n`)).toEqual({ text: offered, closed: false });
    expect(await asked('GET / HTTP/1.0\r\n\r\n')).toEqual({
      text: expect.stringContaining('anew'),
      closed: true,
    });
  });

  it('sends no content for HEAD, 204 and 304', async () => {
    const { world } = await serve((exchange) => {
      exchange.reply(Number(exchange.head.target.slice(1)), new Fields(), 'content');
    });
    const { connection, received } = await dial(world);
    connection.write(get('/204') + get('/304') + get('/200').replace('GET', 'HEAD'));
    await world.settle();
    expect(received()).not.toContain('\r\n\r\ncontent');
    expect(received().match(/Content-Length: \d+/g)).toEqual(['Content-Length: 7']);
  });

  it('answers what was asked before the client had finished sending', async () => {
    const { world } = await serve((exchange) => void world.clock.after(100, () => echo(exchange)));
    const { connection, received, closed } = await dial(world);
    connection.write(get('/1') + get('/2'));
    connection.end();
    await world.advance(500);
    expect(bodies(received())).toEqual(['/1', '/2']);
    expect(closed()).toBe(true);
  });

  it('does not read on while a client does not take its replies', async () => {
    const { world, server } = await serve((exchange) =>
      exchange.reply(200, new Fields(), Buffer.alloc(64 * 1024)),
    );
    const { connection } = await dial(world);
    connection.pause();
    for (let round = 0; round < 40; round++) {
      connection.write(get('/').repeat(500));
      await world.settle();
    }
    expect(connection.pendingBytes).toBeGreaterThan(0);
    // The client never reads: it is dropped, and nothing is left of it.
    await world.advance(20_000);
    expect(server.connections).toBe(0);
  });

  it('drains: finishes what is under way, ends what is idle, takes nothing new', async () => {
    const { world, server } = await serve((exchange) => void world.clock.after(1000, () => echo(exchange)));
    const busy = await dial(world);
    const idle = await dial(world);
    busy.connection.write(get('/1'));
    await world.settle();
    const drained = server.drain();
    await world.settle();
    expect(idle.closed()).toBe(true);
    await world.advance(1000);
    await drained;
    expect(busy.received()).toMatch(/Connection: close\r\n.*\/1\n$/s);
    await server.stop();
    expect(world.clock.pending).toBe(0);
  });

  it('logs an error of a handler, answers 500, and goes on', async () => {
    const { world } = await serve((exchange) => {
      if (exchange.head.target === '/bad') throw new Error('oops');
      echo(exchange);
    });
    const bad = await dial(world);
    bad.connection.write(get('/bad'));
    await world.settle();
    expect(bad.received()).toMatch(/^HTTP\/1\.1 500 /);
    const good = await dial(world);
    good.connection.write(get('/good'));
    await world.settle();
    expect(bodies(good.received())).toEqual(['/good']);
    expect(world.recorded('server').logs.some(({ text }) => text.includes('oops'))).toBe(true);
  });

  it('refuses a client beyond its limit with 503, and takes one again when another has gone', async () => {
    const { world, server } = await serve(
      (exchange) => {
        if (exchange.head.target === '/held') return;
        echo(exchange);
      },
      { maxConnections: 2 },
    );
    const held = [await dial(world), await dial(world)];
    for (const { connection } of held) connection.write(get('/held'));
    await world.advance(10_000);
    const refused = await dial(world);
    refused.connection.write(get('/'));
    await world.settle();
    expect(refused.received()).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n.*Connection: close\r\n/s);
    expect([refused.closed(), server.connections]).toEqual([true, 2]);
    held[0]?.connection.destroy();
    await world.settle();
    const taken = await dial(world);
    taken.connection.write(get('/taken'));
    await world.settle();
    expect(bodies(taken.received())).toEqual(['/taken']);
    expect(world.recorded('server').events.map(({ type }) => type)).toEqual(['connections-full']);
  });

  it('closes the connection that has been idle the longest for a new client', async () => {
    const { world, server } = await serve(echo, { maxConnections: 3, idleMs: 60_000 });
    const clients = [await dial(world), await dial(world), await dial(world)] as const;
    await world.advance(3000);
    clients[0].connection.write(get('/0'));
    await world.advance(3000);
    const late = await dial(world);
    late.connection.write(get('/late'));
    await world.settle();
    expect(bodies(late.received())).toEqual(['/late']);
    expect(clients.map(({ closed }) => closed())).toEqual([false, true, false]);
    expect(server.connections).toBe(3);
  });

  it('does not take the connection of a client that has only just used it', async () => {
    const { world } = await serve(echo, { maxConnections: 1 });
    const busy = await dial(world);
    busy.connection.write(get('/1'));
    await world.settle();
    const other = await dial(world);
    other.connection.write(get('/other'));
    await world.settle();
    expect(other.received()).toMatch(/^HTTP\/1\.1 503 /);
    busy.connection.write(get('/2'));
    await world.settle();
    expect(bodies(busy.received())).toEqual(['/1', '/2']);
  });

  it('holds no more than some clients that it refuses, whatever they do not send', async () => {
    const { world, server } = await serve(() => {}, { maxConnections: 1 });
    const held = await dial(world);
    held.connection.write(get('/'));
    await world.settle();
    const silent = [];
    for (let n = 0; n < 100; n++) silent.push(await dial(world));
    await world.settle();
    expect(silent.filter(({ closed }) => !closed())).toHaveLength(64);
    silent.at(-1)?.connection.write(get('/'));
    await world.settle();
    expect(silent.at(-1)?.received()).toMatch(/^HTTP\/1\.1 503 /);
    await world.advance(60_000);
    expect(silent.filter(({ closed }) => !closed())).toHaveLength(0);
    expect(held.closed()).toBe(false);
    await server.stop();
    await world.settle();
    expect(world.clock.pending).toBe(0);
  });
});
