import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseMetalink } from '../../protocol/metalink';
import { downloadFromMirrors } from '../engine/mirror-download';
import { content, ForeignConnection, P2pWorld } from '../p2p/testing/p2p-world';

const bytes = content(1_500_000, 4);

async function started(): Promise<P2pWorld> {
  const world = new P2pWorld();
  await world.index();
  for (const number of [1, 2]) {
    world.folder(number).put('my big.bin', bytes);
    await world.peer(number);
    await world.until(() => world.snapshot(number).files === 1 && world.snapshot(number).hashing === 0);
  }
  return world;
}

/** The answer as head and content. */
async function ask(world: P2pWorld, request: string): Promise<{ head: string; content: Buffer }> {
  const connection = await ForeignConnection.to(world, 9001);
  await connection.say(request);
  const answer = Buffer.concat(connection.received);
  const cut = answer.indexOf('\r\n\r\n');
  return { head: answer.subarray(0, cut).toString('latin1'), content: answer.subarray(cut + 4) };
}

describe('a peer asked over HTTP', () => {
  it('gives a file, a part of it, its head, and 404', async () => {
    const world = await started();
    const whole = await ask(world, 'GET /my%20big.bin HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(whole.head).toMatch(/^HTTP\/1\.1 200 /);
    expect(whole.content.equals(bytes)).toBe(true);
    const part = await ask(world, 'GET /my%20big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=10-19\r\n\r\n');
    expect(part.head).toContain('Content-Range: bytes 10-19/1500000');
    expect(part.content.equals(bytes.subarray(10, 20))).toBe(true);
    const head = await ask(world, 'HEAD /my%20big.bin HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(head.head).toContain('Content-Length: 1500000');
    expect(head.content.length).toBe(0);
    expect((await ask(world, 'GET /../secret HTTP/1.1\r\nHost: x\r\n\r\n')).head).toMatch(/^HTTP\/1\.1 404 /);
    expect(
      (await ask(world, 'GET /my%20big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=9999999-\r\n\r\n')).head,
    ).toMatch(/ 416 /);
    expect((await ask(world, 'GET /my%20big.bin\r\n\r\n')).head).toMatch(/ 400 /);
    await world.stop();
  });

  it('gives the rest of a file only to who has the beginning of the same one', async () => {
    const world = await started();
    const request = (method: string, more: string): string =>
      `${method} /my%20big.bin HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const etag = /^ETag: (.+)$/m.exec((await ask(world, request('HEAD', ''))).head)?.[1]?.trim();
    const same = await ask(world, request('GET', `Range: bytes=10-19\r\nIf-Range: ${etag}\r\n`));
    expect(same.content.equals(bytes.subarray(10, 20))).toBe(true);
    for (const validator of ['"another"', `W/${etag}`, 'Sun, 06 Nov 1994 08:49:37 GMT']) {
      const other = await ask(world, request('GET', `Range: bytes=10-19\r\nIf-Range: ${validator}\r\n`));
      expect(other.head).toMatch(/^HTTP\/1\.1 200 /);
      expect(other.content.equals(bytes)).toBe(true);
    }
    await world.stop();
  });

  it('knows ranges of GET alone, and dates every answer', async () => {
    const world = await started();
    const { head } = await ask(world, 'HEAD /my%20big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=10-19\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).toContain('Content-Length: 1500000');
    for (const line of ['GET /my%20big.bin', 'GET /my%20big.bin.meta4', 'GET /none', 'GET /a\tb'])
      expect((await ask(world, `${line} HTTP/1.1\r\nHost: x\r\n\r\n`)).head).toMatch(/^Date: .+ GMT/m);
    await world.stop();
  });

  it('answers requests that travel ahead in their order', async () => {
    const world = await started();
    const request = (range: string): string =>
      `GET /my%20big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=${range}\r\n\r\n`;
    const connection = await ForeignConnection.to(world, 9001);
    const answer = await connection.say(request('0-3') + request('4-7'));
    expect(answer.match(/Content-Range: bytes \S+/g)).toEqual([
      'Content-Range: bytes 0-3/1500000',
      'Content-Range: bytes 4-7/1500000',
    ]);
    await world.stop();
  });

  it('names the other peers, with a digest, to who asks for one: one field each, as aria2 reads them', async () => {
    const world = await started();
    const get = (more: string): string => `GET /my%20big.bin HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const describedBy = 'Link: </my%20big.bin.meta4>; rel=describedby; type="application/metalink4+xml"';
    const { head } = await ask(world, get('Want-Digest: SHA-512;q=1, SHA-256;q=1, SHA;q=0.1\r\n'));
    const digest = createHash('sha256').update(bytes).digest('base64');
    expect(head.split('\r\n').filter((line) => /^(?:Link|Digest)/.test(line))).toEqual([
      describedBy,
      'Link: <http://127.0.0.1:9002/my%20big.bin>; rel=duplicate; pri=2',
      `Digest: SHA-256=${digest}`,
    ]);
    const plain = await ask(world, get(''));
    expect(plain.head).toContain(describedBy);
    expect(plain.head).not.toMatch(/duplicate|Digest/);
    await world.stop();
  });

  it('describes the whole swarm in a Metalink, from which others can download', async () => {
    const world = await started();
    const { head, content: document } = await ask(
      world,
      'GET /my%20big.bin.meta4 HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    expect(head).toContain('application/metalink4+xml');
    const [file] = parseMetalink(document.toString());
    expect(file?.urls.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:9001/my%20big.bin',
      'http://127.0.0.1:9002/my%20big.bin',
    ]);
    expect(file?.pieces?.hex).toHaveLength(6);
    const outcome = await world.inTime(
      downloadFromMirrors(world.sim.context('other'), {
        file: file as NonNullable<typeof file>,
        folder: world.sim.files.at('/other'),
        timeoutMs: 5000,
        maxSources: 4,
        limit: 0,
        listener: { event: () => {}, changed: () => {} },
        signal: new AbortController().signal,
      }),
    );
    expect(outcome.verified).toBe('size and every piece (SHA-256)');
    expect(Buffer.from(world.sim.files.at('/other').bytesOf('my big.bin') ?? []).equals(bytes)).toBe(true);
    await world.stop();
  });
});
