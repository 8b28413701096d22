/** What a cache is to be seen doing as an intermediary (RFC 9110, RFC 9211). */
import { describe, expect, it } from 'vitest';
import { CacheWorld } from '../testing/cache-world';
import { fresh } from '../testing/reuse';

describe('interim replies and trailers (RFC 9110, sections 15.2 and 6.5)', () => {
  it.each([102, 103])('%i is passed through, and not stored', async (status) => {
    const world = await CacheWorld.start();
    world.script({ interim: [[status, [['Link', '</style.css>']]]], headers: fresh });
    expect(await world.ask()).toMatchObject({ status: 200, interim: [status] });
    const reply = await world.ask();
    expect(reply.interim).toEqual([]);
    expect(reply.headers.has('link')).toBe(false);
    expect(world.seen).toHaveLength(1);
  });
  it('8.6: a 204 has no Content-Length, whatever the origin sends', async () => {
    const world = await CacheWorld.start();
    const length: [string, string][] = [['Content-Length', '0']];
    world.script({ status: 204, headers: length });
    const reply = await world.ask();
    expect([reply.status, reply.headers.has('content-length')]).toEqual([204, false]);
  });
  it('trailers are passed on', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [], trailers: [['Checksum', 'abc']] });
    expect((await world.ask()).trailers?.get('checksum')).toBe('abc');
  });
  it('6.5.1: trailers that would change what came before them are not passed on', async () => {
    const world = await CacheWorld.start();
    const trailers: [string, string][] = [
      ['Content-Length', '3'],
      ['Set-Cookie', 'a=b'],
      ['Connection', 'Secret'],
      ['Secret', 'x'],
      ['Checksum', 'abc'],
    ];
    world.script({ headers: [], trailers });
    expect([...((await world.ask()).trailers?.names ?? [])]).toEqual(['checksum']);
  });
  it('3.1 of RFC 9111: trailers do not become fields of what is stored', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: fresh, trailers: [['Checksum', 'abc']] });
    await world.ask();
    expect((await world.ask()).headers.has('checksum')).toBe(false);
    expect(world.seen).toHaveLength(1);
  });
});

describe('passing messages on (RFC 9110, section 7.6; RFC 9111, section 5.2)', () => {
  it('fields of a connection, and those that it names, stay behind', async () => {
    const world = await CacheWorld.start();
    await world.ask({
      headers: [
        ['Connection', 'keep-alive, x-a'],
        ['X-A', '1'],
        ['X-B', '2'],
        ['Keep-Alive', 'timeout=5'],
        ['Proxy-Authorization', 'Basic x'],
        ['TE', 'trailers'],
      ],
    });
    const { fields } = world.seen[0]?.head ?? { fields: fresh };
    expect([...fields].map(([name]) => name).sort()).toEqual(['host', 'via', 'x-b']);
  });
  it.each([
    ['HTTP/1.1', 'Transfer-Encoding: chunked', 1],
    ['HTTP/1.1', 'Transfer-Encoding: chunked\r\nContent-Length: 9', 2],
    ['HTTP/1.0', 'Transfer-Encoding: chunked', 2],
  ])(
    '%s with %j: the connection to the origin is used again, or not (RFC 9112, section 6.1)',
    async (version, framing, connections) => {
      const world = await CacheWorld.start();
      const head = `${version} 200 OK\r\nConnection: keep-alive\r\n${framing}\r\n\r\n`;
      world.script({ raw: [Buffer.from(`${head}4\r\nbody\r\n0\r\n\r\n`)] });
      const reply = await world.ask();
      expect(reply).toMatchObject({ status: 200, body: 'body', broken: false });
      await world.ask();
      expect(world.connections).toBe(connections);
    },
  );
  it.each(['12345', null])(
    "the reply to a HEAD has the origin's Content-Length, %j (RFC 9110, section 8.6)",
    async (length) => {
      const world = await CacheWorld.start();
      const field = length === null ? '' : `Content-Length: ${length}\r\n`;
      world.script({ raw: [Buffer.from(`HTTP/1.1 200 OK\r\nETag: "a"\r\n${field}\r\n`)] });
      const reply = await world.ask({ method: 'HEAD' });
      expect([reply.status, reply.headers.first('content-length') ?? null]).toEqual([200, length]);
    },
  );
  it.each([
    ['POST', '', '0'],
    ['POST', 'abc', '3'],
    ['GET', undefined, undefined],
  ])(
    '%s with the content %j has the Content-Length %j (RFC 9110, section 8.6)',
    async (method, body, length) => {
      const world = await CacheWorld.start();
      await world.ask({ method, ...(body === undefined ? {} : { body }) });
      expect(world.seen[0]?.head.fields.first('content-length')).toBe(length);
    },
  );
  it('Cache-Control is passed on both ways', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [['Cache-Control', 'max-age=60, no-transform, x=1']] });
    const reply = await world.ask({ headers: [['Cache-Control', 'max-age=5, y=2']] });
    expect(reply.headers.get('cache-control')).toBe('max-age=60, no-transform, x=1');
    expect(world.seen[0]?.head.fields.get('cache-control')).toBe('max-age=5, y=2');
  });
  it('OPTIONS * is passed on as it is (RFC 9112, section 3.2.4)', async () => {
    const world = await CacheWorld.start();
    expect((await world.ask({ method: 'OPTIONS', path: '*' })).status).toBe(200);
    expect(world.seen[0]?.head).toMatchObject({ method: 'OPTIONS', target: '*' });
  });
  it('Max-Forwards is counted down, and ends here at 0 (section 7.6.2)', async () => {
    const world = await CacheWorld.start();
    await world.ask({ method: 'OPTIONS', headers: [['Max-Forwards', '3']] });
    expect(world.seen[0]?.head.fields.get('max-forwards')).toBe('2');
    expect((await world.ask({ method: 'OPTIONS', headers: [['Max-Forwards', '0']] })).status).toBe(200);
    expect(world.seen).toHaveLength(1);
  });
});

describe('Cache-Status (RFC 9211) and Via (RFC 9110, section 7.6.3)', () => {
  it('tells what was done', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Cache-Control', 'max-age=10'],
        ['ETag', '"a"'],
        ['Cache-Status', 'other; hit'],
      ],
    });
    world.script({ headers: [['ETag', '"a"']], validate: true });
    const miss = await world.ask();
    expect(miss.headers.get('cache-status')).toBe(
      'other; hit, micro-cdn; fwd=uri-miss; fwd-status=200; stored',
    );
    expect(miss.headers.get('via')).toBe('1.1 micro-cdn');
    expect(world.seen[0]?.head.fields.get('via')).toBe('1.1 micro-cdn');
    await world.wait(4);
    expect((await world.ask()).headers.get('cache-status')).toBe('other; hit, micro-cdn; hit; ttl=6');
    await world.wait(10);
    expect((await world.ask()).headers.get('cache-status')).toContain('micro-cdn; fwd=stale; fwd-status=304');
    const requests = world.operate('requests', {}) as { reason: string }[];
    expect(requests[0]?.reason).toBe('stale by 4 s, revalidated, 304');
  });
});
