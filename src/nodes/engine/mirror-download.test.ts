import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatMetalink, type MetalinkFile } from '../../protocol/metalink';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { content } from '../p2p/testing/p2p-world';
import { describeUrl, downloadFromMirrors, type MirrorOutcome } from './mirror-download';

const SIZE = 2_000_000;
const bytes = content(SIZE, 5);
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

interface Manners {
  /** Bytes per second; default: as fast as it is read. */
  rate?: number;
  /** Sends so many bytes of bodies, then does this. */
  after?: { bytes: number; what: 'reset' | 'hang' };
  /** Serves this instead. */
  body?: Buffer;
  ignoresRanges?: boolean;
  /** Closes the connection after so many answers, as servers do. */
  answersPerConnection?: number;
  headers?: string;
}

/** An HTTP server as others write them: answers in order, one connection at a time per client. */
async function mirror(
  world: Simulation,
  port: number,
  manners: Manners = {},
): Promise<{ requests: string[]; served: () => number }> {
  const requests: string[] = [];
  const body = manners.body ?? bytes;
  let served = 0;
  const serve = async (connection: Connection, head: string, last: boolean): Promise<void> => {
    requests.push(head.split('\r\n')[0] as string);
    const range = /range: bytes=(\d+)-(\d+)/i.exec(head);
    const isHead = head.startsWith('HEAD');
    const [start, end] =
      range && !manners.ignoresRanges ? [Number(range[1]), Number(range[2]) + 1] : [0, body.length];
    const part = body.subarray(start, end);
    const status =
      range && !manners.ignoresRanges
        ? `206 Partial Content\r\nContent-Range: bytes ${start}-${end - 1}/${body.length}`
        : '200 OK';
    connection.write(
      `HTTP/1.1 ${status}\r\nContent-Length: ${part.length}\r\n${manners.headers ?? ''}${last ? 'Connection: close\r\n' : ''}\r\n`,
    );
    if (isHead) return;
    for (let at = 0; at < part.length; at += 16_384) {
      if (manners.after && served >= manners.after.bytes) {
        if (manners.after.what === 'reset') return connection.reset();
        return new Promise(() => {});
      }
      const block = part.subarray(at, at + 16_384);
      served += block.length;
      await connection.send(block).catch(() => {});
      if (manners.rate) await world.clock.sleep((block.length * 1000) / manners.rate);
    }
  };
  await world.network
    .host(`mirror-${port}`, world.clock)
    .listen({ host: '127.0.0.1', port }, (connection) => {
      let text = '';
      let answers = 0;
      let turn: Promise<void> = Promise.resolve();
      connection.handle({
        data: (received) => {
          text += Buffer.from(received).toString('latin1');
          for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
            const head = text.slice(0, end);
            text = text.slice(end + 4);
            const last = ++answers === manners.answersPerConnection;
            if (answers > (manners.answersPerConnection ?? Number.POSITIVE_INFINITY)) continue;
            turn = turn
              .then(() => serve(connection, head, last))
              .then(() => (last ? connection.end() : undefined));
          }
        },
        close: () => {},
      });
    });
  return { requests, served: () => served };
}

function fileAt(ports: number[], more: Partial<MetalinkFile> = {}): MetalinkFile {
  const urls = ports.map((port, at) => ({ url: `http://127.0.0.1:${port}/big.bin`, priority: at + 1 }));
  return { name: 'big.bin', size: SIZE, hashes: { 'sha-256': sha256(bytes) }, pieces: null, urls, ...more };
}

class Run {
  readonly world = new Simulation();
  readonly events: string[] = [];
  readonly controller = new AbortController();

  start(file: MetalinkFile, more: { limit?: number } = {}): Promise<MirrorOutcome> {
    return downloadFromMirrors(this.world.context('client'), {
      folder: this.world.files.at('/client'),
      file,
      timeoutMs: 5000,
      maxSources: 8,
      limit: more.limit ?? 0,
      listener: {
        event: (type, _text, _level, subject) => void this.events.push(`${type} ${subject}`),
        changed: () => {},
      },
      signal: this.controller.signal,
    });
  }

  async inTime<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    for (let waited = 0; !settled && waited < 60_000; waited += 20) await this.world.advance(20);
    return promise;
  }

  get saved(): Buffer {
    return Buffer.from(this.world.files.at('/client').bytesOf('big.bin') ?? []);
  }
}

describe('several HTTP servers at once', () => {
  it('give the exact file, checked by its hash', async () => {
    const run = new Run();
    const first = await mirror(run.world, 8001, { rate: 1_000_000 });
    const second = await mirror(run.world, 8002, { rate: 1_000_000 });
    const outcome = await run.inTime(run.start(fileAt([8001, 8002])));
    expect(run.saved.equals(bytes)).toBe(true);
    expect(outcome).toMatchObject({ savedAs: 'big.bin', verified: 'size and sha256', sha256: sha256(bytes) });
    expect(first.served()).toBeGreaterThan(SIZE / 4);
    expect(second.served()).toBeGreaterThan(SIZE / 4);
    await run.world.advance(1000);
    expect(run.world.clock.pending).toBe(0);
  });

  it('go on when one dies, and fetch next to nothing twice', async () => {
    const run = new Run();
    await mirror(run.world, 8001, { rate: 1_000_000, after: { bytes: 300_000, what: 'reset' } });
    await mirror(run.world, 8002, { rate: 1_000_000 });
    const outcome = await run.inTime(run.start(fileAt([8001, 8002])));
    expect(run.saved.equals(bytes)).toBe(true);
    expect(outcome.view.wasted).toBeLessThan(256 * 1024);
    expect(run.events.some((event) => event.startsWith('source-lost'))).toBe(true);
  });

  it('go on when one hangs, long before the time-out', async () => {
    const run = new Run();
    await mirror(run.world, 8001, { rate: 1_000_000, after: { bytes: 300_000, what: 'hang' } });
    await mirror(run.world, 8002, { rate: 1_000_000 });
    await run.inTime(run.start(fileAt([8001, 8002])));
    expect(run.saved.equals(bytes)).toBe(true);
    expect(run.events).toContain('source-stalled 127.0.0.1:8001/big.bin');
  });

  it('survive a server that closes after every few answers', async () => {
    const run = new Run();
    const server = await mirror(run.world, 8001, { answersPerConnection: 1 });
    await run.inTime(run.start(fileAt([8001])));
    expect(run.saved.equals(bytes)).toBe(true);
    // Each on a connection of its own.
    expect(server.requests.length).toBeGreaterThanOrEqual(4);
  });

  it('leave out one that ignores ranges, and one with another size', async () => {
    const run = new Run();
    await mirror(run.world, 8001, { ignoresRanges: true });
    await mirror(run.world, 8002, { body: content(1000) });
    await mirror(run.world, 8003);
    await run.inTime(run.start(fileAt([8001, 8002, 8003])));
    expect(run.saved.equals(bytes)).toBe(true);
  });

  it('throw the file away when its hash is wrong', async () => {
    const run = new Run();
    await mirror(run.world, 8001, { body: content(SIZE, 99) });
    await expect(run.inTime(run.start(fileAt([8001])))).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(run.world.files.at('/client').names).toEqual([]);
  });

  it('are told apart by piece hashes: the wrong one is banned, the file comes from the other', async () => {
    const run = new Run();
    const length = 256 * 1024;
    const hex = Array.from({ length: Math.ceil(SIZE / length) }, (_, at) =>
      sha256(bytes.subarray(at * length, (at + 1) * length)),
    );
    await mirror(run.world, 8001, { body: content(SIZE, 99) });
    await mirror(run.world, 8002, { rate: 3_000_000 });
    const file = fileAt([8001, 8002], { pieces: { hash: 'sha-256', length, hex } });
    const outcome = await run.inTime(run.start(file));
    expect(run.saved.equals(bytes)).toBe(true);
    expect(outcome.verified).toBe('size and every piece (SHA-256)');
    expect(run.events).toContain('source-banned 127.0.0.1:8001/big.bin');
  });

  it('resume after a cancelled run', async () => {
    const run = new Run();
    const server = await mirror(run.world, 8001, { rate: 1_000_000 });
    const first = run.start(fileAt([8001]));
    first.catch(() => {});
    await run.world.advance(1500);
    run.controller.abort();
    await expect(run.inTime(first)).rejects.toThrow();
    const before = server.served();
    const again = new Run();
    Object.assign(again, { world: run.world });
    await again.inTime(again.start(fileAt([8001])));
    expect(run.saved.equals(bytes)).toBe(true);
    expect(server.served() - before).toBeLessThan(SIZE);
  });

  it('refuse a size whose map of pieces would fill the memory, before anything is made for it', async () => {
    const run = new Run();
    for (const size of [2 ** 43, Number.MAX_SAFE_INTEGER]) {
      await expect(run.inTime(run.start({ ...fileAt([8001]), size }))).rejects.toMatchObject({
        code: 'TOO_LARGE',
      });
    }
  });

  it('say which servers failed and why when none is left', async () => {
    const run = new Run();
    await mirror(run.world, 8001, { ignoresRanges: true });
    await expect(run.inTime(run.start(fileAt([8001, 8009])))).rejects.toMatchObject({
      code: 'NO_SOURCE',
      message: expect.stringContaining('does not serve ranges'),
    });
  });
});

describe('what a URL tells about itself', () => {
  it('is read from its fields', async () => {
    const run = new Run();
    const digest = Buffer.from(sha256(bytes), 'hex').toString('base64');
    await mirror(run.world, 8001, {
      headers: `Repr-Digest: sha-256=:${digest}:\r\nLink: <http://127.0.0.1:8002/big.bin>; rel=duplicate; pri=2\r\n`,
    });
    const url = 'http://127.0.0.1:8001/big.bin';
    const described = await run.inTime(
      describeUrl(run.world.context('c'), url, 'big.bin', run.controller.signal),
    );
    expect(described).toEqual({
      ...fileAt([8001, 8002]),
    });
  });

  it('is read from the Metalink it points to', async () => {
    const run = new Run();
    const document = Buffer.from(formatMetalink([fileAt([8001, 8003])]));
    await mirror(run.world, 8002, { body: document });
    await mirror(run.world, 8001, {
      headers:
        'Link: <http://127.0.0.1:8002/big.bin.meta4>; rel=describedby; type="application/metalink4+xml"\r\n',
    });
    const url = 'http://127.0.0.1:8001/big.bin';
    const described = await run.inTime(
      describeUrl(run.world.context('c'), url, 'big.bin', run.controller.signal),
    );
    expect(described).toEqual(fileAt([8001, 8003]));
  });
});
