import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../contract/fault';
import { createFaultyContext } from '../../runtime/faulty-context';
import { type ContentConfig, manifest } from '../content-server/manifest';
import { createNode } from '../content-server/node';
import { content } from '../p2p/testing/p2p-world';
import {
  defaultsOf,
  INDEX,
  MONITOR_UDP,
  type RunningDownload,
  World,
} from '../shared/testing/micro-cdn-world';

const SIZE = 9_000_000;
const file = content(SIZE, 11);
const sha256 = createHash('sha256').update(file).digest('hex');
/** kB/s of each server. */
const RATE = 2000;

/** A Micro-CDN whose content servers are slow, and can be broken further. */
class SlowWorld extends World {
  readonly #setFaults = new Map<string, (faults: FaultSpec[]) => void>();

  async slow(number: number, bytes: Uint8Array = file, config: Partial<ContentConfig> = {}): Promise<void> {
    const id = `CS${number}`;
    this.put(number, 'big.bin', bytes);
    const { context, setFaults } = createFaultyContext(this.sim.context(id));
    const ports = { tcpPort: 7001 + (number - 1) * 100, udpPort: 7002 + (number - 1) * 100 };
    const settings = {
      ...defaultsOf(manifest.fields),
      serverId: id,
      ...ports,
      files: `/${id}`,
      index: INDEX,
      monitor: MONITOR_UDP,
      ...config,
    };
    const program = createNode(settings as ContentConfig, context);
    this.programs.set(id, program);
    this.#setFaults.set(id, setFaults);
    await program.start();
    this.break(number);
  }

  break(number: number, ...more: { kind: string; params?: Record<string, unknown> }[]): void {
    const node = `CS${number}`;
    const faults = [{ kind: 'bandwidth', params: { rate: RATE } }, ...more];
    this.#setFaults.get(node)?.(
      faults.map(({ kind, params = {} }, at) => ({
        id: `f${at}`,
        kind,
        node,
        params,
        scope: { direction: 'out', transport: 'tcp' },
        enabled: true,
      })),
    );
  }

  async started(servers: number): Promise<RunningDownload> {
    await this.index();
    await this.monitor();
    for (let number = 1; number <= servers; number++) await this.slow(number);
    await this.client();
    await this.sim.advance(2000);
    return this.download('big.bin');
  }

  async finish(download: RunningDownload): Promise<void> {
    for (let waited = 0; !download.over && waited < 120_000; waited += 50) {
      await this.sim.advance(50);
      // Pieces are hashed in real time, off the main thread.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async until(download: RunningDownload, bytes: number): Promise<void> {
    while (!download.over && (download.progress.at(-1)?.bytes ?? 0) < bytes) {
      await this.sim.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  get saved(): Buffer {
    return Buffer.from(this.sim.files.at('/downloads').bytesOf('big.bin') ?? []);
  }
}

describe('a large file from several content servers', () => {
  it('comes from all of them at once, verified', async () => {
    const world = new SlowWorld();
    const download = await world.started(3);
    await world.finish(download);
    expect(download.outcome).toMatchObject({
      size: SIZE,
      sha256,
      verified: 'size and hash',
      path: '/downloads/big.bin',
    });
    expect(world.saved.equals(file)).toBe(true);
    expect(download.outcome?.segments.map(({ source }) => source).sort()).toEqual(['CS1', 'CS2', 'CS3']);
    for (const { bytes } of download.outcome?.segments ?? []) expect(bytes).toBeGreaterThan(SIZE / 6);
    await world.end();
  });

  it('comes from one alone where the download is to use no more, whatever the client is set to', async () => {
    const world = new SlowWorld();
    await world.index();
    await world.monitor();
    for (const number of [1, 2]) await world.slow(number);
    await world.client();
    await world.sim.advance(2000);
    const one = { keepPartial: false, sources: 1 };
    const download = world.download('big.bin', one);
    await world.finish(download);
    expect(download.outcome).toMatchObject({ size: SIZE, segments: [{ bytes: SIZE }] });
    await world.end();
  });

  it('survives the death of one and the hang of another', async () => {
    const world = new SlowWorld();
    const download = await world.started(4);
    await world.until(download, 2_000_000);
    world.crash('CS1');
    world.break(2, { kind: 'stall' });
    await world.finish(download);
    expect(download.outcome).toMatchObject({ sha256 });
    expect(world.saved.equals(file)).toBe(true);
    expect(download.marks.join('; ')).toContain('CS1');
    world.break(2);
    await world.end();
  });

  it('bans a server whose bytes are damaged on the way', async () => {
    const world = new SlowWorld();
    const download = await world.started(3);
    await world.until(download, 100_000);
    world.break(3, { kind: 'corrupt', params: { every: 100_000 } });
    await world.finish(download);
    expect(download.outcome).toMatchObject({ sha256 });
    expect(world.events('client', 'source-banned').join()).toContain('CS3');
    await world.end();
  });

  it('leaves small files, lone servers, strict servers and strict clients to one server after the other', async () => {
    const world = new SlowWorld();
    await world.index();
    await world.monitor();
    await world.slow(1);
    await world.slow(2, file, { strict: true });
    await world.client();
    await world.client({ strict: true, out: '/strict' }, 'strict');
    await world.sim.advance(2000);
    for (const client of ['client', 'strict']) {
      const download = world.download('big.bin', { client });
      await world.finish(download);
      expect(download.outcome?.size).toBe(SIZE);
      expect(download.outcome?.segments).toHaveLength(1);
    }
    await world.end();
  });

  it('resumes after it was cancelled', async () => {
    const world = new SlowWorld();
    await world.index();
    await world.monitor();
    await world.slow(1);
    await world.slow(2);
    await world.client();
    await world.sim.advance(2000);
    const first = world.download('big.bin', { keepPartial: true });
    await world.until(first, 5_000_000);
    first.cancel();
    await world.finish(first);
    expect(first.error?.code).toBe('CANCELLED');
    await world.sim.advance(100);
    const second = world.download('big.bin');
    await world.finish(second);
    expect(second.outcome).toMatchObject({ sha256 });
    expect(second.marks[0]).toMatch(/^resumed/);
    await world.end();
  });

  it('leaves nothing behind when it is cancelled for good', async () => {
    const world = new SlowWorld();
    const download = await world.started(2);
    await world.until(download, 1_000_000);
    download.cancel();
    await world.finish(download);
    await world.sim.advance(1000);
    expect(world.sim.files.at('/downloads').names).toEqual([]);
    await world.end();
    expect(world.sim.clock.pending).toBe(0);
  });

  it('gets more of servers that another download uses too, the higher its priority is', async () => {
    const world = new SlowWorld();
    for (const number of [1, 2]) world.put(number, 'other.bin', content(SIZE, 12));
    const low = await world.started(2);
    const high = world.download('other.bin', { priority: 'high' });
    world.prioritise('big.bin', 'low');
    await world.until(high, 6_000_000);
    const [most = 0, least = 1] = [high, low].map(({ progress }) => progress.at(-1)?.bytes ?? 0);
    expect(most / least).toBeGreaterThan(3);
    expect(most / least).toBeLessThan(5.5);
    expect(low.progress.at(-1)?.priority).toBe('low');
    expect(() => world.prioritise('none', 'low')).toThrow('No download of none');
    low.cancel();
    high.cancel();
    await world.finish(low);
    await world.finish(high);
    await world.end();
  });
});
