import { describe, expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { httpGet } from '../shared/http-get';
import { UrlSource } from './url-source';

const LIMITS = { timeoutMs: 1000, maxBytes: 10_000 };

/** A web server that answers by path; the last byte of a text that ends in "…" never comes. */
async function web(world: Simulation, answers: Record<string, string>): Promise<{ close(): Promise<void> }> {
  return world.network
    .host('web', world.clock)
    .listen({ host: '127.0.0.1', port: 80 }, (connection: Connection) => {
      let request = '';
      connection.handle({
        data: (bytes) => {
          request += Buffer.from(bytes).toString('latin1');
          if (!request.endsWith('\r\n\r\n')) return;
          const path = /^GET (\S+) HTTP\/1\.1\r\n/.exec(request)?.[1] ?? '';
          const answer = answers[path] ?? 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
          if (answer.endsWith('…')) connection.write(answer.slice(0, -1));
          else connection.end(answer);
        },
      });
    });
}

async function get(world: Simulation, path: string): Promise<string> {
  const getting = httpGet(world.context('node'), `http://127.0.0.1${path}`, LIMITS);
  getting.catch(() => {});
  await world.advance(2000);
  return Buffer.from(await getting).toString();
}

describe('httpGet', () => {
  it.each([
    ['by Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello…'],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n…',
    ],
    ['to the end of the connection', 'HTTP/1.0 200 OK\r\n\r\nhello'],
    [
      'after an interim answer',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    ],
  ])('reads a page %s', async (_how, answer) => {
    for (const segmentSize of [Number.POSITIVE_INFINITY, 1]) {
      const world = new Simulation();
      world.network.segmentSize = segmentSize;
      await web(world, { '/': answer });
      expect(await get(world, '/')).toBe('hello');
    }
  });

  it('follows redirects, but not for ever', async () => {
    const world = new Simulation();
    const redirect = (to: string): string =>
      `HTTP/1.1 301 Moved\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
    await web(world, {
      '/a': redirect('/b'),
      '/b': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      '/loop': redirect('/loop'),
    });
    expect(await get(world, '/a')).toBe('ok');
    await expect(get(world, '/loop')).rejects.toThrow('redirects');
  });

  it.each([
    ['/silent', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe…', 'no complete answer within 1000 ms'],
    ['/short', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe', 'in the middle'],
    ['/large', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(10_001)}`, 'larger than 10000 bytes'],
    ['/none', 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n', 'answers 500'],
    ['/junk', 'SSH-2.0-OpenSSH\r\n\r\n', 'status line'],
  ])('says why there is no page at %s', async (path, answer, why) => {
    const world = new Simulation();
    await web(world, { [path]: answer });
    await expect(get(world, path)).rejects.toThrow(why);
  });

  it('says so when nobody is there', async () => {
    await expect(get(new Simulation(), '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

it('a page is fetched again and again, and the last good copy is served while it cannot be had', async () => {
  const world = new Simulation();
  const { log, clock } = world.context('node');
  let answer: () => Promise<Uint8Array> = async () => Buffer.from('first');
  let fetches = 0;
  const fetch = (): Promise<Uint8Array> => {
    fetches++;
    return answer();
  };
  const source = new UrlSource('http://x/', fetch, log, (run) => clock.every(1000, run));
  const first = await source.current();
  expect(await source.current()).toBe(first);
  answer = async () => {
    throw new Error('it is down');
  };
  await world.advance(1000);
  expect(await source.current()).toBe(first);
  expect(source.problem).toContain('it is down');
  answer = async () => Buffer.from('second');
  await world.advance(1000);
  expect((await source.current()).size).toBe(6);
  expect(source.problem).toBeUndefined();
  source.close();
  await world.advance(5000);
  expect(fetches).toBe(3);
});

it('while there has never been a copy, clients share one attempt and hear why', async () => {
  const world = new Simulation();
  const { log, clock } = world.context('node');
  let fetches = 0;
  const fetch = async (): Promise<Uint8Array> => {
    fetches++;
    await clock.sleep(10);
    throw new Error('no such host');
  };
  const source = new UrlSource('http://x/', fetch, log, (run) => clock.every(60_000, run));
  const clients = Promise.allSettled(Array.from({ length: 5 }, () => source.current()));
  await world.advance(20);
  for (const outcome of await clients) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('no such host') },
    });
  }
  expect(fetches).toBe(1);
});
