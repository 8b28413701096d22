/** Real sockets: curl and wget, node:http as origin and as client, and files on a real disk. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeManifest } from '../../contract/manifest';
import type { FromNode } from '../../contract/node-port';
import { configSchema } from '../../contract/schema';
import { describedBy, duplicatesIn, parseLinkField, parseMetalink } from '../../protocol/metalink';
import type { CreateNode } from '../../runtime/context';
import { NodeHost } from '../../runtime/host';
import { manifest as cacheManifest } from '../cache-proxy/manifest';
import { createNode as createCache } from '../cache-proxy/node';
import { manifest } from './manifest';
import { createNode } from './node';

const folder = mkdtempSync(join(tmpdir(), 'http-origin-'));
const hosts: NodeHost[] = [];
const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

async function start(kind: NodeManifest, create: CreateNode<never>, config: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const host = new NodeHost(
      create,
      {
        type: 'start',
        kind: kind.id,
        config: configSchema(kind.fields).parse({ port: 0, ...config }),
        seed: 1,
        faults: [],
        watch: { visible: false, messages: false },
      },
      (message: FromNode) => {
        if (message.type === 'ready') resolve(message.ports.http as number);
        if (message.type === 'fatal') reject(new Error(message.error.message));
      },
    );
    hosts.push(host);
    void host.start();
  });
}

const startOrigin = (config: object = {}): Promise<number> =>
  start(manifest, createNode as CreateNode<never>, { files: folder, ...config });
const startCache = (origin: number, config: object = {}): Promise<number> =>
  start(cacheManifest, createCache as CreateNode<never>, {
    origins: [{ host: '127.0.0.1', port: origin }],
    ...config,
  });

beforeAll(() => {
  writeFileSync(join(folder, 'hello.txt'), 'hello\n');
  writeFileSync(join(folder, 'big.bin'), Buffer.alloc(9_000_000, 'big'));
  writeFileSync(join(folder, '.hidden'), 'secret');
  symlinkSync('/etc/hostname', join(folder, 'link'));
});
afterAll(async () => {
  for (const host of hosts) await host.receive({ type: 'stop' });
  rmSync(folder, { recursive: true, force: true });
});

/** The nodes run on this thread, so it must not wait for the child. */
async function run(command: string, args: string[]): Promise<{ status: number | null; stdout: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout: Buffer.concat(parts).toString('latin1') };
}

describe.skipIf(!has('curl'))('curl', () => {
  const ask = async (port: number, path: string, ...args: string[]): Promise<string> =>
    (await run('curl', ['-s', '--path-as-is', ...args, `http://127.0.0.1:${port}${path}`])).stdout;

  it('gets a file, its head, its parts, and 304', async () => {
    const port = await startOrigin();
    expect(await ask(port, '/hello.txt')).toBe('hello\n');
    const head = await ask(port, '/hello.txt', '-I');
    expect(head).toContain('Content-Length: 6');
    const etag = /ETag: (".*?")/.exec(head)?.[1] as string;
    expect(await ask(port, '/hello.txt', '-r', '1-2')).toBe('el');
    expect(await ask(port, '/hello.txt', '-r', '-2')).toBe('o\n');
    expect(await ask(port, '/hello.txt', '-i', '-r', '9-')).toContain('416 Range Not Satisfiable');
    expect(await ask(port, '/hello.txt', '-i', '-H', `If-None-Match: ${etag}`)).toContain('304 Not Modified');
    expect(await ask(port, '/hello.txt', '-i', '-H', 'If-Match: "other"')).toContain(
      '412 Precondition Failed',
    );
    expect(await ask(port, '/hello.txt', '-i', '-d', 'x')).toContain('501 Not Implemented');
    expect(await ask(port, '/hello.txt', '-H', 'Want-Repr-Digest: sha-256=1', '-I')).toContain(
      'Repr-Digest: sha-256=:WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=:',
    );
    expect((await ask(port, '/big.bin')).length).toBe(9_000_000);
  });

  it('never gets what lies outside, or is hidden', async () => {
    const port = await startOrigin();
    for (const path of [
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/link',
      '/.hidden',
      '/hello.txt%00',
      '/%',
      '/',
    ]) {
      expect(await ask(port, path, '-o', '/dev/null', '-w', '%{http_code}'), path).toBe('404');
    }
  });

  it('sees the new content at once when a file has changed', async () => {
    const port = await startOrigin();
    const path = join(folder, 'changing.txt');
    writeFileSync(path, 'one');
    expect(await ask(port, '/changing.txt')).toBe('one');
    appendFileSync(path, ' two');
    expect(await ask(port, '/changing.txt')).toBe('one two');
  });

  it('gets the headers that rules set', async () => {
    const port = await startOrigin({
      headers: '/ Cache-Control: max-age=5 | *.txt X-Kind: text | /none/ X-No: no',
    });
    const head = await ask(port, '/hello.txt', '-I');
    expect(head).toContain('Cache-Control: max-age=5');
    expect(head).toContain('X-Kind: text');
    expect(head).not.toContain('X-No');
  });

  it('gets other headers as soon as other rules are set, also for a file that is in memory', async () => {
    const port = await startOrigin({ headers: '/ X-Rule: former' });
    expect(await ask(port, '/hello.txt', '-i')).toContain('X-Rule: former');
    const headers = [{ pattern: '*.txt', name: 'X-Rule', value: 'new' }];
    await hosts.at(-1)?.receive({ type: 'operate', call: 1, operation: 'configure', input: { headers } });
    expect(await ask(port, '/hello.txt', '-i')).toContain('X-Rule: new');
  });

  it('goes through the cache, as reverse and as forward proxy', async () => {
    const origin = await startOrigin({ headers: '/ Cache-Control: max-age=60' });
    const cache = await startCache(origin);
    expect(await ask(cache, '/hello.txt', '-i')).toContain('fwd=uri-miss');
    expect(await ask(cache, '/hello.txt', '-i')).toContain('micro-cdn; hit');
    expect((await ask(cache, '/big.bin')).length).toBe(9_000_000);
    expect(await ask(origin, '/hello.txt', '-x', `http://127.0.0.1:${cache}`)).toBe('hello\n');
  });
});

describe.skipIf(!has('curl'))('mirrors', () => {
  const ask = async (port: number, path: string, ...args: string[]): Promise<string> =>
    (await run('curl', ['-s', ...args, `http://127.0.0.1:${port}${path}`])).stdout;

  it('are named in fields and in a Metalink, with hashes', async () => {
    const mirror = await startOrigin();
    const port = await startOrigin({ mirrors: [{ host: '127.0.0.1', port: mirror }] });
    const head = await ask(port, '/big.bin', '-I', '-H', 'Want-Digest: SHA-512;q=0.1, SHA-256;q=1');
    const links = parseLinkField([...head.matchAll(/^Link: (.*)\r$/gm)].map(([, link]) => link).join(', '));
    expect(duplicatesIn(links)).toEqual([{ url: `http://127.0.0.1:${mirror}/big.bin`, priority: 1 }]);
    expect(describedBy(links)).toBe('/big.bin.meta4');
    const big = readFileSync(join(folder, 'big.bin'));
    const sha256 = createHash('sha256').update(big).digest();
    expect(head).toContain(`\r\nDigest: SHA-256=${sha256.toString('base64')}\r\n`);
    const [file] = parseMetalink(await ask(port, '/big.bin.meta4'));
    expect(file).toMatchObject({
      name: 'big.bin',
      size: 9_000_000,
      hashes: { 'sha-256': sha256.toString('hex') },
      urls: [
        { url: `http://127.0.0.1:${port}/big.bin`, priority: 1 },
        { url: `http://127.0.0.1:${mirror}/big.bin`, priority: 2 },
      ],
    });
    const { length = 0, hex = [] } = file?.pieces ?? {};
    expect(hex.length).toBe(Math.ceil(9_000_000 / length));
    expect(hex.at(-1)).toBe(
      createHash('sha256')
        .update(big.subarray((hex.length - 1) * length))
        .digest('hex'),
    );
  });

  it('describe a file as it is now, and only files that can be had', async () => {
    const port = await startOrigin({ mirrors: [{ host: '127.0.0.1', port: 9 }] });
    const path = join(folder, 'edited.txt');
    for (const content of ['', 'one', 'one two']) {
      writeFileSync(path, content);
      const [file] = parseMetalink(await ask(port, '/edited.txt.meta4'));
      expect(file?.hashes['sha-256']).toBe(createHash('sha256').update(content).digest('hex'));
    }
    for (const none of ['/.meta4', '/nothing.meta4', '/.hidden.meta4', '/link.meta4', '/../x.meta4'])
      expect(await ask(port, none, '-o', '/dev/null', '-w', '%{http_code}', '--path-as-is'), none).toBe(
        '404',
      );
  });

  it('are no part of an origin that has none', async () => {
    const port = await startOrigin();
    const head = await ask(port, '/hello.txt', '-I', '-H', 'Want-Digest: SHA-256');
    expect(head).not.toMatch(/^(?:Link|Digest):/m);
    expect(await ask(port, '/hello.txt.meta4', '-o', '/dev/null', '-w', '%{http_code}')).toBe('404');
  });

  // Elsewhere 127.0.0.2 is no address of the machine unless somebody sets it up.
  it.skipIf(!has('aria2c') || process.platform !== 'linux').each([
    ['the Metalink', '/big.bin.meta4'],
    ['the Link fields of the file itself', '/big.bin'],
  ])('are used by aria2, from %s', async (_from, path) => {
    const mirror = await startOrigin();
    let reached = 0;
    const way = createTcpServer((socket) => {
      reached++;
      const onward = connect(mirror, '127.0.0.1');
      pipeline(socket, onward, socket, () => {});
      // Another host: aria2 opens one connection to each.
    }).listen(0, '127.0.0.2');
    await once(way, 'listening');
    const port = await startOrigin({
      mirrors: [{ host: '127.0.0.2', port: (way.address() as AddressInfo).port }],
    });
    const out = mkdtempSync(join(tmpdir(), 'http-origin-aria2-'));
    try {
      const args = ['--no-conf', '--quiet', '--split=4', '--min-split-size=1M', '--check-integrity=true'];
      const url = `http://127.0.0.1:${port}${path}`;
      const { status } = await run('aria2c', [...args, '--follow-metalink=mem', '-d', out, url]);
      expect(status).toBe(0);
      expect(readFileSync(join(out, 'big.bin')).equals(readFileSync(join(folder, 'big.bin')))).toBe(true);
      expect(reached).toBeGreaterThan(0);
    } finally {
      way.close();
      rmSync(out, { recursive: true, force: true });
    }
  });
});

it.skipIf(!has('wget'))('wget downloads through the cache', async () => {
  const cache = await startCache(await startOrigin());
  const target = join(folder, 'wget.out');
  const { status } = await run('wget', ['-q', '-O', target, `http://127.0.0.1:${cache}/hello.txt`]);
  expect([status, readFileSync(target, 'utf8')]).toEqual([0, 'hello\n']);
});

describe('node:http as the origin of a cache', () => {
  let server: Server | undefined;
  let calls = 0;

  async function origin(
    reply: (request: IncomingMessage, response: ServerResponse) => void,
    keepAliveTimeout = 5000,
  ): Promise<number> {
    server?.close();
    calls = 0;
    server = createServer({ keepAliveTimeout }, (incoming, response) => {
      calls++;
      reply(incoming, response);
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  function get(
    port: number,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string; information: number[]; headers: IncomingMessage['headers'] }> {
    return new Promise((resolve, reject) => {
      const information: number[] = [];
      const outgoing = request({ port, host: '127.0.0.1', headers }, (response) => {
        let body = '';
        response.setEncoding('latin1');
        response.on('data', (part: string) => {
          body += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, information, headers: response.headers }),
        );
        response.on('error', reject);
      });
      outgoing.on('information', ({ statusCode }) => information.push(statusCode));
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  it('early hints pass, and the final reply is stored', async () => {
    const cache = await startCache(
      await origin((_, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        response.setHeader('Cache-Control', 'max-age=60').end('content');
      }),
    );
    expect(await get(cache)).toMatchObject({ status: 200, body: 'content', information: [103] });
    expect(await get(cache)).toMatchObject({ body: 'content', information: [] });
    expect(calls).toBe(1);
  });

  it('a Content-Length that lies: so many bytes count, and the connection is not used again', async () => {
    const cache = await startCache(
      await origin((_, response) =>
        response.setHeader('Cache-Control', 'max-age=1').setHeader('Content-Length', '4').end('0123456789'),
      ),
    );
    for (const query of ['', '']) expect((await get(cache, { 'x-query': query })).body).toBe('0123');
  });

  it('a transfer coding that nobody knows: up to the end of the connection', async () => {
    const cache = await startCache(
      await origin(
        (_, response) =>
          response
            .setHeader('Cache-Control', 'max-age=60')
            .setHeader('Transfer-Encoding', 'odd')
            .end('content'),
        200,
      ),
    );
    expect((await get(cache)).body).toBe('content');
    const second = await get(cache);
    expect([second.body, second.headers['transfer-encoding']]).toEqual(['content', undefined]);
    expect(calls).toBe(1);
  });

  it('chunked content and an origin that closes idle connections', async () => {
    const cache = await startCache(
      await origin((incoming, response) => {
        response.write('part one, ');
        response.end(`part two of ${incoming.url}`);
      }, 20),
    );
    for (let times = 0; times < 5; times++) {
      expect((await get(cache)).body).toBe('part one, part two of /');
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  });
});
