/** Balancer, origins and clients of ours together, on a network in memory. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../contract/schema';
import type { HttpClientSnapshot } from '../http-client/manifest';
import { type HttpBalancerConfig, manifest } from './manifest';
import { createNode } from './node';
import { server, World } from './testing/balancer-world';

describe('redirecting', () => {
  it('sends a correct Location that nobody may keep', async () => {
    const world = await World.start([8001]);
    const reply = await world.ask('/a?b=c');
    expect(reply.status).toBe(301);
    expect(reply.headers.get('location')).toBe('http://127.0.0.1:8001/a?b=c');
    expect(reply.headers.get('cache-control')).toBe('no-store');
  });

  it.each(['302', '307'] as const)('says %s instead where that is wanted', async (status) => {
    const world = await World.start([8001], { status });
    expect((await world.ask()).status).toBe(Number(status));
  });

  it('tests its servers, ranks them and says why it chose', async () => {
    const world = await World.start([8001, 8002, 8003]);
    await world.redirect();
    const { backends } = world.snapshot;
    expect(backends.map(({ state }) => state)).toEqual(['up', 'up', 'up']);
    expect(backends.map(({ share }) => share).sort()).toEqual([1 / 6, 2 / 6, 3 / 6]);
    const [decision] = world.decisions();
    expect(decision?.reason).toMatch(/was drawn with \d of 6 tickets/);
    expect(decision?.candidates).toHaveLength(3);
  });

  it('sends nobody to a killed server, from the moment it dies', async () => {
    const world = await World.start([8001, 8002]);
    world.kill(8001);
    await world.simulation.settle();
    for (let times = 0; times < 20; times++) expect(await world.redirect()).toBe(8002);
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'down' });
  });

  it('sends a client that reports a failure elsewhere, and tests what it reports', async () => {
    const world = await World.start([8001, 8002]);
    for (let times = 0; times < 10; times++) {
      expect(await world.redirect('Balancer-Failed: 127.0.0.1:8001\r\n')).toBe(8002);
    }
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'up' });
  });

  it('takes a server back when it is back', async () => {
    const world = await World.start([8001, 8002]);
    world.kill(8001);
    await world.simulation.settle();
    expect(world.snapshot.backends[0]?.state).toBe('down');
    await world.origin(8001);
    await world.simulation.advance(6000);
    expect(world.snapshot.backends[0]?.state).toBe('up');
  });

  it('answers 503 when no server is up', async () => {
    const world = await World.start([]);
    const reply = await world.ask();
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('leaves nothing behind when it stops', async () => {
    const world = new World();
    const defaults = configSchema(manifest.fields).parse({}) as unknown as HttpBalancerConfig;
    const node = createNode({ ...defaults, servers: [server(1)] }, world.simulation.context('balancer'));
    await node.start();
    await world.simulation.advance(3000);
    await node.stop();
    await world.simulation.settle();
    expect(world.simulation.clock.pending).toBe(0);
  });
});

describe('mirrors', () => {
  const wanting = 'Want-Digest: SHA-256\r\n';
  const same = async (): Promise<World> => {
    const world = await World.start([8001, 8002, 8003], { policy: 'round-robin' });
    for (const port of [8001, 8002]) world.simulation.files.at(`/files-${port}`).put('same.txt', 'the same');
    world.simulation.files.at('/files-8003').put('same.txt', 'another!');
    return world;
  };

  it('are named to a client that asks for digests: the other servers with the very same file', async () => {
    const world = await same();
    const reply = await world.ask('/same.txt', wanting);
    expect(reply.headers.get('location')).toBe('http://127.0.0.1:8001/same.txt');
    expect(reply.headers.get('link')).toBe('<http://127.0.0.1:8002/same.txt>; rel=duplicate; pri=1');
    const digest = createHash('sha256').update('the same').digest('base64');
    expect(reply.headers.get('digest')).toBe(`SHA-256=${digest}`);
    await world.ask('/same.txt', wanting);
    expect((await world.ask('/same.txt', wanting)).headers.get('link')).toBeUndefined();
  });

  it('are not named when they are down', async () => {
    const world = await same();
    await world.ask('/same.txt', wanting);
    world.kill(8002);
    await world.simulation.settle();
    for (let times = 0; times < 2; times++)
      expect((await world.ask('/same.txt', wanting)).headers.get('link')).toBeUndefined();
  });

  it('cost servers nothing for other clients, or where they are not to be named', async () => {
    const world = await same();
    await world.ask('/same.txt');
    const heads = (port: number): number =>
      world.simulation.recorded(`origin ${port}`).traces.filter((text) => text.startsWith('< HEAD')).length;
    expect([8001, 8002, 8003].map(heads)).toEqual([0, 0, 0]);
    for (let times = 0; times < 3; times++) await world.ask('/same.txt', wanting);
    expect([8001, 8002, 8003].map(heads)).toEqual([1, 1, 1]);
    const silent = await World.start([8001, 8002], { mirrors: false });
    expect((await silent.ask('/name.txt', wanting)).headers.get('link')).toBeUndefined();
  });

  it('are left out when servers take too long to say what they have', async () => {
    const world = await World.start([8001], { servers: [server(8001), server(8002)], policy: 'round-robin' });
    await world.simulation.context('mute').net.listen(server(8002), (connection) => {
      connection.handle({ data: () => {} });
    });
    const reply = await world.inTime(world.ask('/name.txt', wanting), 100);
    expect([reply.status, reply.headers.get('link')]).toEqual([301, undefined]);
  });
});

describe('as a reverse proxy', () => {
  const proxy = { mode: 'proxy', policy: 'round-robin' } as const;

  it('passes replies on, in turn', async () => {
    const world = await World.start([8001, 8002], proxy);
    const bodies = [(await world.ask()).body, (await world.ask()).body];
    expect(bodies.sort()).toEqual(['origin 8001', 'origin 8002']);
    expect((await world.ask('/big.bin')).body).toHaveLength(300_000);
    expect((await world.ask('/none')).status).toBe(404);
    expect((await world.ask('/name.txt', '', 'HEAD')).headers.get('content-length')).toBe('11');
  });

  it('tries another server where that is safe, and tells the client nothing of it', async () => {
    const world = await World.start([8001, 8002], { ...proxy, intervalMs: 3_600_000 });
    world.kill(8001);
    for (let times = 0; times < 6; times++) expect((await world.ask()).body).toBe('origin 8002');
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'down' });
  });

  it('asks for the host that the target names, whatever Host says (RFC 9112, section 3.2.2)', async () => {
    const world = await World.start([8001], proxy);
    expect((await world.ask('http://site.example/name.txt')).body).toBe('origin 8001');
    expect(world.simulation.recorded('balancer').traces).toContainEqual(
      expect.stringMatching(/^> GET \/name\.txt\nHost: site\.example\r\n/),
    );
  });

  it('counts requests under way', async () => {
    const world = await World.start([8001], proxy);
    await world.ask();
    expect(world.snapshot.backends[0]).toMatchObject({ load: 0, chosen: 1 });
  });
});

describe('the client', () => {
  it('follows the balancer, verifies, and never overwrites', async () => {
    const world = await World.start([8001]);
    const first = await world.download('127.0.0.1:8500/name.txt');
    expect(first).toMatchObject({ path: '/downloads/name.txt', size: 11, verified: 'size and hash' });
    expect((await world.download('127.0.0.1:8500/name.txt')).path).toBe('/downloads/name (2).txt');
    expect(Buffer.from(world.simulation.files.at('/downloads').bytesOf('name.txt') ?? []).toString()).toBe(
      'origin 8001',
    );
  });

  it('shows who answered what on the way, where the content came from, and what was verified', async () => {
    const world = await World.start([8001]);
    await world.download('127.0.0.1:8500/name.txt');
    const { recent } = world.simulation.recorded('client').snapshot() as unknown as HttpClientSnapshot;
    expect(recent).toHaveLength(1);
    expect(recent[0]).toMatchObject({
      name: '127.0.0.1:8500/name.txt',
      phase: 'done',
      bytes: 11,
      replies: [
        {
          url: 'http://127.0.0.1:8500/name.txt',
          by: '127.0.0.1:8500',
          status: 301,
          location: 'http://127.0.0.1:8001/name.txt',
        },
        { url: 'http://127.0.0.1:8001/name.txt', status: 200 },
      ],
      sources: [{ address: '127.0.0.1:8001', bytes: 11 }],
      verified: 'size and hash',
    });
  });

  it('shows why a download failed', async () => {
    const world = await World.start([8001]);
    await world.download('127.0.0.1:8500/none').catch(() => {});
    const { recent } = world.simulation.recorded('client').snapshot() as unknown as HttpClientSnapshot;
    expect(recent[0]).toMatchObject({ phase: 'failed', bytes: 0 });
    expect(recent[0]?.replies.at(-1)).toMatchObject({ status: 404 });
    expect(recent[0]?.error).toContain('404');
  });

  it('asks the balancer again when the server that it was sent to dies', async () => {
    const world = await World.start([8001, 8002], { intervalMs: 3_600_000 });
    // The balancer has not noticed: its idle connection is still there when the client arrives.
    world.kill(8001);
    const result = await world.download('127.0.0.1:8500/big.bin');
    expect(result).toMatchObject({ size: 300_000, verified: 'size and hash' });
  });

  it('understands a Location without scheme, heads that end in CR LF CR, and the end of the connection', async () => {
    const world = new World();
    const { net } = world.simulation.context('foreign');
    await net.listen(server(7001), (connection) => {
      connection.handle({
        data: () =>
          connection.end('HTTP/1.1 301 Moved Permanently\r\nLocation: localhost:7002/name.txt\r\n\r'),
      });
    });
    await net.listen(server(7002), (connection) => {
      connection.handle({ data: () => connection.end('HTTP/1.1 200 OK\r\nDate: x\r\n\rcontent') });
    });
    const result = await world.download('localhost:7001/name.txt');
    expect(result).toMatchObject({ size: 7, verified: 'end of connection' });
  });

  it('goes on where a connection broke off', async () => {
    const world = new World();
    const { net } = world.simulation.context('flaky');
    const ranges: string[] = [];
    await net.listen(server(7001), (connection) => {
      connection.handle({
        data: (bytes) => {
          const range = /Range: bytes=(\d+)-/.exec(Buffer.from(bytes).toString())?.[1];
          ranges.push(range ?? 'none');
          if (range === undefined)
            return connection.end('HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 10\r\n\r\n0123');
          connection.end(
            `HTTP/1.1 206 Partial\r\nETag: "a"\r\nContent-Range: bytes ${range}-9/10\r\nContent-Length: ${10 - Number(range)}\r\n\r\n${'0123456789'.slice(Number(range))}`,
          );
        },
      });
    });
    const result = await world.download('127.0.0.1:7001/x');
    expect(ranges).toEqual(['none', '4']);
    expect(result.size).toBe(10);
    expect(Buffer.from(world.simulation.files.at('/downloads').bytesOf('x') ?? []).toString()).toBe(
      '0123456789',
    );
  });

  it.each([
    ['asks for the rest of what a 206 has only a part of (RFC 9110, section 15.3.7)', '200 OK'],
    ['does not take a part that it has not asked for, for the whole', '206 Partial'],
  ])('%s', async (_rule, first) => {
    const world = new World();
    const { net } = world.simulation.context('sparing');
    await net.listen(server(7001), (connection) => {
      connection.handle({
        data: (bytes) => {
          const range = /Range: bytes=(\d+)-/.exec(Buffer.from(bytes).toString())?.[1];
          const at = Number(range ?? 0);
          const status = range === undefined ? first : '206 Partial';
          const part = '0123456789'.slice(at, at + 3);
          const fields = `ETag: "a"\r\nContent-Range: bytes ${at}-${at + part.length - 1}/10`;
          const length = status === '200 OK' ? 10 : part.length;
          connection.end(`HTTP/1.1 ${status}\r\n${fields}\r\nContent-Length: ${length}\r\n\r\n${part}`);
        },
      });
    });
    const download = world.download('127.0.0.1:7001/x');
    if (first === '200 OK') expect(await download).toMatchObject({ size: 10 });
    else await expect(download).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  it('says what is wrong', async () => {
    const world = await World.start([8001]);
    await expect(world.download('127.0.0.1:8001/none')).rejects.toMatchObject({ code: 'HTTP_STATUS' });
    await expect(world.download('ftp://x/y')).rejects.toMatchObject({ code: 'BAD_URL' });
    await expect(world.download('127.0.0.1:1/y', { attempts: 2 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
    expect(world.simulation.files.at('/downloads').names).toEqual([]);
  });

  it('takes the name of a file on the linked server', async () => {
    const world = await World.start([8001]);
    world.simulation.files.at('/files-8001').put('a b?.txt', 'odd');
    const result = await world.download('a b?.txt', { server: server(8001) });
    expect(result).toMatchObject({ path: '/downloads/a b?.txt', size: 3 });
  });
});
