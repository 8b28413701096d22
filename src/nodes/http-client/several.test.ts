import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatMetalink } from '../../protocol/metalink';
import type { NodeProgram } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { manifest as balancerManifest, type HttpBalancerConfig } from '../http-balancer/manifest';
import { createNode as createBalancer } from '../http-balancer/node';
import { type OriginConfig, manifest as originManifest } from '../http-origin/manifest';
import { createNode as createOrigin } from '../http-origin/node';
import { content } from '../p2p/testing/p2p-world';
import { defaultsOf } from '../shared/testing/micro-cdn-world';
import {
  type DownloadResult,
  type HttpClientConfig,
  type HttpClientOperations,
  type HttpClientSnapshot,
  manifest,
} from './manifest';
import { createNode } from './node';

const SIZE = 3_000_000;
const bytes = content(SIZE, 21);

class HttpWorld {
  readonly sim = new Simulation();

  async origin(
    number: number,
    files: Record<string, Uint8Array | string>,
    mirrors: OriginConfig['mirrors'] = [],
  ): Promise<number> {
    const port = 8000 + number;
    const folder = `/origin${number}`;
    for (const [name, data] of Object.entries(files)) this.sim.files.at(folder).put(name, data);
    const defaults = defaultsOf(originManifest.fields);
    const portKey = Object.entries(originManifest.fields).find(
      ([, field]) => field.control === 'port',
    )?.[0] as string;
    const folderKey = originManifest.filesField as string;
    const config = { ...defaults, [portKey]: port, [folderKey]: folder, mirrors } as unknown as OriginConfig;
    await this.inTime(createOrigin(config, this.sim.context(`origin${number}`)).start());
    return port;
  }

  async get(
    name: string,
    config: Partial<HttpClientConfig> = {},
    more: Partial<HttpClientOperations['download']['input']> = {},
  ): Promise<DownloadResult> {
    const defaults = { ...defaultsOf(manifest.fields), out: '/out', proxy: [], mirrors: [] };
    const client: NodeProgram = createNode(
      { ...defaults, ...config } as HttpClientConfig,
      this.sim.context('client'),
    );
    await client.start();
    const scope = { signal: new AbortController().signal, progress: () => {} };
    const download = client.operations?.download as unknown as (
      input: unknown,
      scope: unknown,
    ) => Promise<DownloadResult>;
    return this.inTime(download({ name, ...more }, scope));
  }

  async inTime<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    for (let waited = 0; !settled && waited < 60_000; waited += 20) {
      await this.sim.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return promise;
  }

  async balancer(ports: number[]): Promise<void> {
    const defaults = defaultsOf(balancerManifest.fields);
    const config = { ...defaults, servers: ports.map(at), policy: 'round-robin' } as HttpBalancerConfig;
    await this.inTime(createBalancer(config, this.sim.context('balancer')).start());
  }

  get recent(): HttpClientSnapshot['recent'] {
    return (this.sim.recorded('client').snapshot() as unknown as HttpClientSnapshot).recent;
  }

  get saved(): Buffer {
    return Buffer.from(this.sim.files.at('/out').bytesOf('big.bin') ?? []);
  }
}

const at = (port: number) => ({ host: '127.0.0.1', port });

it('a plain download takes away what is recorded of the pieces of an earlier one, whose bytes it replaces', async () => {
  const world = new HttpWorld();
  await world.origin(1, { 'big.bin': bytes });
  world.sim.files.at('/out').put('.big.bin.pieces', '{}');
  await world.get('127.0.0.1:8001/big.bin');
  expect(world.sim.files.at('/out').names).toEqual(['big.bin']);
});

describe('a file from several origins', () => {
  it('comes from the server and its mirrors together, verified by the hash that they agree on', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes });
    await world.origin(2, { 'big.bin': bytes });
    const result = await world.get('127.0.0.1:8001/big.bin', { mirrors: [at(8002)] });
    expect(world.saved.equals(bytes)).toBe(true);
    expect(result).toMatchObject({ path: '/out/big.bin', size: SIZE, verified: 'size and hash' });
    expect(result.segments.map(({ source }) => source).sort()).toEqual([
      '127.0.0.1:8001/big.bin',
      '127.0.0.1:8002/big.bin',
    ]);
  });

  it('has the priority that was wished for', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes });
    await world.origin(2, { 'big.bin': bytes });
    const result = await world.get('127.0.0.1:8001/big.bin', { mirrors: [at(8002)] }, { priority: 'low' });
    expect(result.priority).toBe('low');
  });

  it('comes from as many at once as are asked for, whatever is configured', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes }, [at(8002)]);
    await world.origin(2, { 'big.bin': bytes });
    const one = await world.get('127.0.0.1:8001/big.bin', { mirrors: [at(8002)] }, { sources: 1 });
    expect(one.segments).toHaveLength(1);
    const two = await world.get('127.0.0.1:8001/big.bin', { maxSources: 1 }, { sources: 2 });
    expect(two.segments).toHaveLength(2);
  });

  it('leaves out a mirror with other bytes', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes });
    await world.origin(2, { 'big.bin': content(SIZE, 22) });
    await world.get('127.0.0.1:8001/big.bin', { mirrors: [at(8002)] });
    expect(world.saved.equals(bytes)).toBe(true);
  });

  it('comes from the mirrors that its origin names', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes }, [at(8002)]);
    await world.origin(2, { 'big.bin': bytes });
    const result = await world.get('127.0.0.1:8001/big.bin', { maxSources: 4 });
    expect(world.saved.equals(bytes)).toBe(true);
    expect(result.segments.map(({ source }) => source).sort()).toEqual([
      '127.0.0.1:8001/big.bin',
      '127.0.0.1:8002/big.bin',
    ]);
  });

  it('comes from all servers of a balancer that have the very same one', async () => {
    const world = new HttpWorld();
    await world.origin(1, { 'big.bin': bytes });
    await world.origin(2, { 'big.bin': bytes });
    await world.origin(3, { 'big.bin': content(SIZE, 22) });
    await world.balancer([8001, 8002, 8003]);
    const result = await world.get('127.0.0.1:8500/big.bin', { maxSources: 4 });
    expect(world.saved.equals(bytes)).toBe(true);
    expect(result.segments.map(({ source }) => source).sort()).toEqual([
      '127.0.0.1:8001/big.bin',
      '127.0.0.1:8002/big.bin',
    ]);
    expect(world.recent[0]).toMatchObject({
      replies: [{ status: 301, location: 'http://127.0.0.1:8001/big.bin' }],
      verified: 'size and hash',
    });
  });

  it.each([
    ['that is told by pieces comes whole from the others', true],
    ['that only the whole hash tells is noticed: nothing is saved', false],
  ])('from a foreign Metalink with a mirror that lies, %s', async (_what, withPieces) => {
    const world = new HttpWorld();
    const sha256 = (part: Buffer): string => createHash('sha256').update(part).digest('hex');
    const length = 256 * 1024;
    const hex = Array.from({ length: Math.ceil(SIZE / length) }, (_, at) =>
      sha256(bytes.subarray(at * length, (at + 1) * length)),
    );
    const metalink = formatMetalink([
      {
        name: 'big.bin',
        size: SIZE,
        hashes: { 'sha-256': sha256(bytes) },
        pieces: withPieces ? { hash: 'sha-256', length, hex } : null,
        urls: [8001, 8002].map((port) => ({ url: `http://127.0.0.1:${port}/big.bin`, priority: 1 })),
      },
    ]);
    await world.origin(1, { 'big.bin': bytes, 'big.bin.meta4': metalink });
    await world.origin(2, { 'big.bin': content(SIZE, 22) });
    const result = world.get('127.0.0.1:8001/big.bin.meta4');
    if (withPieces) expect((await result).sha256).toBe(sha256(bytes));
    else await expect(result).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(world.sim.files.at('/out').names).toEqual(withPieces ? ['big.bin'] : []);
    if (withPieces) expect(world.saved.equals(bytes)).toBe(true);
  });

  it('comes from where a Metalink says', async () => {
    const world = new HttpWorld();
    const urls = [8001, 8002].map((port, index) => ({
      url: `http://127.0.0.1:${port}/big.bin`,
      priority: index + 1,
    }));
    const metalink = formatMetalink([{ name: 'big.bin', size: SIZE, hashes: {}, pieces: null, urls }]);
    await world.origin(1, { 'big.bin': bytes, 'big.bin.meta4': metalink });
    await world.origin(2, { 'big.bin': bytes });
    const result = await world.get('127.0.0.1:8001/big.bin.meta4');
    expect(world.saved.equals(bytes)).toBe(true);
    expect(result.segments).toHaveLength(2);
  });
});

it('a folder that takes no file is told as what it is', async () => {
  const world = new HttpWorld();
  await world.origin(1, { 'big.bin': bytes });
  const create = () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
  Object.assign(world.sim.files.at('/out'), { create });
  await expect(world.get('127.0.0.1:8001/big.bin')).rejects.toMatchObject({ code: 'ENOSPC' });
});
