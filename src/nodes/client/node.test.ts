import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, INDEX, type RunningDownload, World } from '../shared/testing/micro-cdn-world';
import { ForeignServer, type RawPeer } from '../shared/testing/raw-peer';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const net = (name = 'foreign') => world.sim.network.host(name);
const downloads = () => world.sim.files.at('/downloads');
const saved = (name: string) => Buffer.from(downloads().bytesOf(name) ?? 'missing');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const pattern = (length: number, seed = 31) =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (at * seed + (at >> 10)) & 0xff));
const large = pattern(6_000_000);

/** Lets a download of `large.bin` run until so many bytes are on the disk. */
async function until(download: RunningDownload, bytes: number): Promise<void> {
  while (!download.over && (downloads().bytesOf('large.bin.part')?.length ?? 0) < bytes) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An index of somebody else that names these servers in turn. */
function foreignIndex(answers: (name: string, asked: number) => string, hello = 'WELCOME MICRO-CDN\n') {
  let asked = 0;
  return ForeignServer.byLine(net('foreign-index'), INDEX, (line) => {
    if (line === 'HELLO') return hello;
    if (line.startsWith('GET ')) return answers(line.slice(4), asked++);
    return 'ERROR UNKNOWN_COMMAND\n';
  });
}

/** A content server of somebody else. */
function foreignContent(
  port: number,
  serve: (line: string, peer: RawPeer, count: number) => void,
  name = `cs-${port}`,
) {
  let count = 0;
  return ForeignServer.byLine(net(name), { host: HOST, port }, (line, peer) => {
    serve(line, peer, count++);
    return undefined;
  });
}

const serverLine = (port: number, size: number, id = `F${port}`) => `SERVER ${HOST} ${port} ${id} ${size}\n`;

describe('a download', () => {
  it('is streamed, verified, renamed, and reported', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 1_000_000);
    expect(downloads().names).toEqual(['large.bin.part']);
    await world.sim.settle();
    expect(download.outcome).toMatchObject({
      path: '/downloads/large.bin',
      size: large.length,
      sha256: sha256(large),
      verified: 'size and hash',
      segments: [{ source: 'CS1', bytes: large.length }],
      marks: [],
    });
    expect(saved('large.bin').equals(large)).toBe(true);
    expect(downloads().names).toEqual(['large.bin']);
    expect(download.progress.map(({ phase }) => phase)).toEqual(
      expect.arrayContaining(['waiting', 'running', 'verifying']),
    );
    expect(download.progress.every(({ bytes }, at, all) => bytes >= (all[at - 1]?.bytes ?? 0))).toBe(true);
    expect(world.events('client', 'transfer-finished')).toHaveLength(1);
  });

  it('takes names with spaces, beyond ASCII, and with folders', async () => {
    const names = { 'my file.txt': 'a', 'größe 文/🎉.txt': 'bb', empty: '' };
    await world.sample(1, names);
    for (const [name, content] of Object.entries(names)) {
      const download = world.download(name);
      await world.sim.settle();
      expect(download.outcome?.size).toBe(Buffer.byteLength(content));
      expect(downloads().bytesOf(name)).toHaveLength(Buffer.byteLength(content));
    }
  });

  it('never overwrites', async () => {
    await world.sample(1, { 'a.tar.gz': 'new', 'dir.d/README': 'new' });
    downloads().put('a.tar.gz', 'old');
    downloads().put('dir.d/README', 'old');
    const results = [];
    for (const name of ['a.tar.gz', 'a.tar.gz', 'dir.d/README']) {
      const download = world.download(name);
      await world.sim.settle();
      results.push(download.outcome?.path);
    }
    expect(results).toEqual([
      '/downloads/a (2).tar.gz',
      '/downloads/a (3).tar.gz',
      '/downloads/dir.d/README (2)',
    ]);
    expect(saved('a.tar.gz').toString()).toBe('old');
  });

  it('does not mix with others of the same name, in this process or another', async () => {
    await world.sample(2, { 'large.bin': large });
    await world.client({}, 'client-2');
    const all = ['client', 'client', 'client-2', 'client-2'].map((client) =>
      world.download('large.bin', { client }),
    );
    await world.sim.settle();
    expect(new Set(all.map(({ outcome }) => outcome?.path)).size).toBe(4);
    for (const name of downloads().names) expect(saved(name).equals(large)).toBe(true);
  });

  it('goes to the folder that was asked for', async () => {
    await world.sample(1, { a: 'x' });
    const download = world.download('a', { folder: '/elsewhere' });
    await world.sim.settle();
    expect(download.outcome?.path).toBe('/elsewhere/a');
  });

  it('of a name that nobody has fails at once, and leaves nothing', async () => {
    await world.sample(1);
    const download = world.download('nothing.txt');
    await world.sim.settle();
    expect(download.error).toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(downloads().names).toEqual([]);
  });

  it.each(['../x', '/etc/passwd', 'a\0b', 'C:x', '', 'con'])('of %j is refused', async (name) => {
    await world.sample(1);
    const download = world.download(name);
    await world.sim.settle();
    expect(download.error).toMatchObject({ code: 'BAD_FILE_NAME' });
  });

  it('by a client that is linked to no index says so', async () => {
    await world.client({ index: null });
    const download = world.download('a');
    await world.sim.settle();
    expect(download.error).toMatchObject({ code: 'NO_INDEX' });
  });

  it('works with 200 clients at once', async () => {
    await world.sample(2, { 'one.bin': pattern(1 << 20) });
    const all = Array.from({ length: 200 }, (_, at) => world.download('one.bin', { folder: `/out/${at}` }));
    await world.sim.advance(1000);
    expect(all.filter(({ outcome }) => outcome?.verified === 'size and hash')).toHaveLength(200);
    expect(world.recorded('CS1').snapshot().load).toBe(0);
    expect(world.recorded('CS2').snapshot().load).toBe(0);
  });
});

describe('when a server fails', () => {
  it('goes on from the same byte on another of ours, and proves the whole', async () => {
    await world.sample(2, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 2_000_000);
    const first = download.progress.at(-1)?.source?.serverId as string;
    world.crash(first);
    await world.sim.advance(100);
    const other = first === 'CS1' ? 'CS2' : 'CS1';
    expect(download.outcome).toMatchObject({ sha256: sha256(large), verified: 'size and hash' });
    expect(download.outcome?.segments.map(({ source }) => source)).toEqual([first, other]);
    expect(download.outcome?.segments.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(large.length);
    expect(download.outcome?.marks.map(({ text }) => text)).toEqual([
      expect.stringContaining(`${first} (127.0.0.1:`),
      expect.stringMatching(new RegExp(`^continues at byte \\d+ on ${other}$`)),
    ]);
    expect(saved('large.bin').equals(large)).toBe(true);
    expect(world.events('client', 'reroute')).toHaveLength(1);
  });

  it('starts again when the other copy turns out to be different', async () => {
    await world.sample(2, { 'large.bin': large });
    const other = pattern(large.length, 17);
    const download = world.download('large.bin');
    await until(download, 2_000_000);
    const first = download.progress.at(-1)?.source?.serverId as string;
    const second = first === 'CS1' ? 2 : 1;
    world.put(second, 'large.bin', other);
    world.crash(first);
    await world.sim.advance(5000);
    // Nobody but the sender has these bytes.
    expect(download.outcome).toMatchObject({
      sha256: sha256(other),
      verified: "size and the sender's own hash",
    });
    expect(download.outcome?.marks.some(({ text }) => text.includes('starts again: the hash differs'))).toBe(
      true,
    );
    expect(saved('large.bin').equals(other)).toBe(true);
  });

  it('starts again when the other has a shorter file', async () => {
    await world.sample(2, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 3_000_000);
    const first = download.progress.at(-1)?.source?.serverId as string;
    world.put(first === 'CS1' ? 2 : 1, 'large.bin', 'short');
    world.crash(first);
    await world.sim.advance(5000);
    expect(saved('large.bin').toString()).toBe('short');
    expect(download.outcome?.size).toBe(5);
  });

  it('asks at once for another when the port refuses, though the monitor has not noticed', async () => {
    await world.sample(2, { a: 'x' });
    world.crash('CS1');
    const all = Array.from({ length: 10 }, (_, at) => world.download('a', { folder: `/out/${at}` }));
    await world.sim.settle();
    expect(world.statusOf('CS1')).toBe('alive');
    expect(all.every(({ outcome }) => outcome?.source?.serverId === 'CS2')).toBe(true);
  });

  it('gives up one that stalls, after the time-out', async () => {
    await world.sample(1, { a: 'from CS1' });
    await foreignContent(7101, (_line, peer) => void peer.send('OK 100\nhalf'));
    const registered = await net().connect(INDEX);
    registered.write('REGISTER F7101 7101 0\nADD_FILE F7101 a 100\nDONE_FILES\n');
    registered.end();
    const monitor = await net().connect(INDEX);
    monitor.write('SERVER_DOWN CS1\n');
    monitor.end();
    await world.sim.settle();
    const download = world.download('a');
    await world.sim.advance(4900);
    expect(download.progress.at(-1)).toMatchObject({ bytes: 4, source: { serverId: 'F7101' } });
    await world.sim.advance(200);
    expect(download.outcome?.source?.serverId).toBe('CS1');
    expect(saved('a').toString()).toBe('from CS1');
    expect(download.outcome?.marks[0]?.text).toContain('it sent nothing for 5 s');
  });

  it('waits for the only server to come back, and resumes there', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 2_000_000);
    world.crash('CS1');
    await world.sim.advance(1000);
    expect(download.over).toBe(false);
    await world.content(1);
    await world.sim.advance(5000);
    expect(download.outcome?.verified).toBe('size and hash');
    expect(download.outcome?.marks.some(({ text }) => text.startsWith('continues at byte'))).toBe(true);
  });

  it('fails in the end with what happened and what to do, and keeps what it has for another try', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 2_000_000);
    world.crash('CS1');
    await world.sim.advance(60_000);
    expect(download.error).toMatchObject({
      code: expect.stringMatching(/^[A-Z_]+$/),
      hint: expect.any(String),
    });
    expect(downloads().names).toEqual(['large.bin.part']);
    await world.content(1);
    await world.sim.advance(1000);
    const again = world.download('large.bin');
    await world.sim.settle();
    expect(again.outcome?.segments[0]?.source).toBe('earlier');
    expect(saved('large.bin').equals(large)).toBe(true);
  });

  it('does not believe a server whose hash is another', async () => {
    await world.index({ monitor: null });
    await world.client({ attempts: 3 });
    await foreignContent(7101, (line, peer) => {
      if (line.startsWith('DIGEST')) peer.connection.end(`DIGEST 5 5 ${'0'.repeat(64)}\n`);
      else peer.connection.end('OK 5\nhello');
    });
    const registered = await net().connect(INDEX);
    registered.write('REGISTER LIAR 7101 0\nFEATURES LIAR resume\nADD_FILE LIAR a 5\nDONE_FILES\n');
    registered.end();
    await world.sim.settle();
    const download = world.download('a');
    await world.sim.advance(60_000);
    expect(download.error).toBeDefined();
    expect(download.marks.some((mark) => mark.includes('the hash differs'))).toBe(true);
    expect(downloads().names).toEqual([]);
  });
});

describe('resuming', () => {
  it('goes on after a pause, in the same process', async () => {
    await world.sample(1, { 'large.bin': large });
    const first = world.download('large.bin', { keepPartial: true });
    await until(first, 3_000_000);
    first.cancel();
    await world.sim.settle();
    expect(first.error).toMatchObject({ code: 'CANCELLED' });
    expect(downloads().names).toEqual(['large.bin.part']);
    const second = world.download('large.bin');
    await world.sim.settle();
    expect(second.outcome?.path).toBe('/downloads/large.bin');
    expect(second.outcome?.segments).toEqual([
      { source: 'earlier', bytes: expect.any(Number) },
      { source: 'CS1', bytes: expect.any(Number) },
    ]);
    expect(second.outcome?.marks[0]?.text).toMatch(/^resumed at byte \d+ on CS1$/);
    expect(saved('large.bin').equals(large)).toBe(true);
  });

  it('goes on what another process has left, once it is no longer being written', async () => {
    await world.sample(1, { 'large.bin': large });
    downloads().put('large.bin.part', large.subarray(0, 1_000_000));
    await world.sim.advance(3000);
    const download = world.download('large.bin');
    await world.sim.settle();
    expect(download.outcome?.segments[0]).toEqual({ source: 'earlier', bytes: 1_000_000 });
    expect(saved('large.bin').equals(large)).toBe(true);
  });

  it('leaves alone what another process is writing', async () => {
    await world.sample(1, { 'large.bin': large });
    downloads().put('large.bin.part', 'being written');
    const download = world.download('large.bin');
    await world.sim.settle();
    expect(download.outcome?.path).toBe('/downloads/large (2).bin');
    expect(saved('large.bin.part').toString()).toBe('being written');
  });

  it.each([
    ['of another file', pattern(1_000_000, 3)],
    ['longer than the file', Buffer.concat([large, large])],
    ['of no length', Buffer.alloc(0)],
  ])('starts again where what is left is %s', async (_what, left) => {
    await world.sample(1, { 'large.bin': large });
    downloads().put('large.bin.part', left);
    await world.sim.advance(3000);
    const download = world.download('large.bin');
    await world.sim.settle();
    expect(download.outcome?.sha256).toBe(sha256(large));
    expect(saved('large.bin').equals(large)).toBe(true);
  });

  it('leaves nothing after a cancel, unless it is asked to', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 3_000_000);
    download.cancel();
    await world.sim.settle();
    expect(download.error).toMatchObject({ code: 'CANCELLED' });
    expect(downloads().names).toEqual([]);
    expect(world.recorded('CS1').snapshot().load).toBe(0);
  });
});

describe('programs of somebody else', () => {
  it('are spoken to in the seed’s words only, each in one write', async () => {
    const index = await foreignIndex(() => serverLine(7101, 5));
    const content = await foreignContent(7101, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('a.txt');
    await world.sim.settle();
    expect(download.outcome).toMatchObject({ size: 5, verified: 'only the size', sha256: sha256('hello') });
    expect(content.received).toEqual(['GET a.txt']);
    expect(content.peers[0]?.chunks.map(String)).toEqual(['GET a.txt\n']);
    expect(index.received).toEqual(['HELLO route holders digests', 'HELLO', 'GET a.txt']);
    world.download('b.txt');
    await world.sim.settle();
    expect(index.received.slice(3)).toEqual(['HELLO', 'GET b.txt']);
  });

  it('hear no word of an extension from a strict client', async () => {
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    world.put(1, 'a', 'hello');
    await world.client({ strict: true });
    await world.sim.advance(100);
    const download = world.download('a');
    await world.sim.settle();
    expect(download.outcome?.verified).toBe('only the size');
    expect(world.recorded('client').traces.filter((line) => line.startsWith('>'))).toEqual([
      '> HELLO',
      '> GET a',
      '> GET a',
    ]);
  });

  it.each([
    [
      'answers ERROR to HELLO',
      (line: string) => (line.startsWith('GET') ? serverLine(7101, 5) : 'ERROR WHAT\n'),
    ],
    ['closes on HELLO', (line: string) => (line.startsWith('GET') ? serverLine(7101, 5) : null)],
    ['ignores HELLO', (line: string) => (line.startsWith('GET') ? serverLine(7101, 5) : '')],
    [
      'says more than it is asked',
      (line: string) =>
        line.startsWith('GET') ? `NOTE hi\n${serverLine(7101, 5)}` : 'WELCOME TO MY INDEX\n',
    ],
    [
      'ends its lines in CRLF',
      (line: string) => (line.startsWith('GET') ? `SERVER 127.0.0.1 7101 F 5\r\n` : 'WELCOME MICRO-CDN\r\n'),
    ],
    [
      'names any address of its machine',
      (line: string) => (line.startsWith('GET') ? 'SERVER 0.0.0.0 7101 F 5\n' : 'WELCOME MICRO-CDN\n'),
    ],
  ])('work: an index that %s', async (_what, answer) => {
    await ForeignServer.byLine(net('foreign-index'), INDEX, answer);
    await foreignContent(7101, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('a');
    await world.sim.advance(5000);
    expect(download.outcome?.size).toBe(5);
  });

  it('work: an index whose WELCOME is late', async () => {
    await ForeignServer.byLine(net('foreign-index'), INDEX, (line, peer) => {
      if (line.startsWith('GET')) return serverLine(7101, 5);
      world.sim.clock.after(1500, () => peer.send('WELCOME MICRO-CDN\n'));
      return '';
    });
    await foreignContent(7101, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('a');
    await world.sim.advance(5000);
    expect(download.outcome?.size).toBe(5);
  });

  it('do not hold a download for ever: an index that chatters and never answers is given up', async () => {
    const index = await foreignIndex(() => '');
    await world.client({ attempts: 1 });
    const download = world.download('a');
    const chatter = world.sim.clock.every(1000, () => index.peers.at(-1)?.send('PATIENCE\n'));
    await world.sim.advance(30_000);
    chatter.cancel();
    expect(download.error).toMatchObject({ code: 'INDEX_UNREACHABLE' });
  });

  it('work: an index that knows a name with spaces in its encoded form only', async () => {
    const index = await foreignIndex((name) =>
      name === 'my%20file' ? serverLine(7101, 5) : 'ERROR FILE_NOT_FOUND\n',
    );
    const content = await foreignContent(7101, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('my file');
    await world.sim.settle();
    expect(download.outcome?.path).toBe('/downloads/my file');
    expect(content.received).toEqual(['GET my%20file']);
    expect(index.received).toContain('GET my file');
  });

  it('work: a content server byte by byte, with CRLF, with too much behind, that never closes', async () => {
    await foreignIndex(() => serverLine(7101, 5));
    await foreignContent(7101, (_line, peer) => void peer.send('OK 5\r\nhello and more'));
    await world.client();
    world.sim.network.segmentSize = 1;
    const download = world.download('a');
    await world.sim.settle();
    expect(download.outcome?.size).toBe(5);
    expect(saved('a').toString()).toBe('hello');
  });

  it('have the file in another size than the index says: the header counts, and it is told', async () => {
    await foreignIndex(() => serverLine(7101, 999));
    await foreignContent(7101, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('a');
    await world.sim.settle();
    expect(download.outcome).toMatchObject({ size: 5, verified: 'only the size' });
    expect(download.outcome?.marks[0]?.text).toContain('has 5 bytes, the index said 999');
  });

  it('never make a whole file of a part: closed early, broken, without a header', async () => {
    const ends: ((peer: RawPeer) => void)[] = [
      (peer) => peer.connection.end('OK 10\nhello'),
      (peer) => {
        peer.send('OK 10\nhello');
        peer.connection.reset();
      },
      (peer) => peer.connection.end(),
      (peer) => peer.connection.end('hello'),
      (peer) => peer.connection.end('ERROR FILE_NOT_FOUND\n'),
      (peer) => peer.connection.end('WHAT\n'),
      (peer) => peer.connection.end(`${'x'.repeat(10_000)}\n`),
      (peer) => peer.connection.end('OK -1\nhello'),
    ];
    for (const [at, end] of ends.entries()) {
      const index = await foreignIndex(() => serverLine(7101, 10));
      const content = await foreignContent(7101, (_line, peer) => end(peer));
      await world.client({ attempts: 2 }, `client-${at}`);
      const download = world.download('a', { client: `client-${at}`, folder: `/bad/${at}` });
      await world.sim.advance(60_000);
      expect(download.error).toMatchObject({ code: 'DOWNLOAD_FAILED' });
      expect(world.sim.files.at(`/bad/${at}`).names.filter((name) => !name.endsWith('.part'))).toEqual([]);
      await index.listener.close();
      await content.listener.close();
    }
  });

  it('start again on another server when one breaks off, since they cannot resume', async () => {
    await foreignIndex((_name, asked) => serverLine(asked % 2 === 0 ? 7101 : 7201, 10));
    await foreignContent(7101, (_line, peer) => peer.connection.end('OK 10\nhello'));
    const good = await foreignContent(7201, (_line, peer) => peer.connection.end('OK 10\nhello good'));
    await world.client();
    const download = world.download('a');
    await world.sim.advance(1000);
    expect(download.outcome?.source?.serverId).toBe('F7201');
    expect(saved('a').toString()).toBe('hello good');
    expect(good.received).toEqual(['GET a']);
    expect(download.outcome?.marks.map(({ text }) => text)).toEqual([
      expect.stringContaining('5 B before the end'),
      expect.stringContaining('starts again'),
      expect.stringContaining('starts from the beginning'),
    ]);
  });

  it('keep naming a dead server for nine seconds: the client outlasts it', async () => {
    let dead = true;
    await foreignIndex(() => serverLine(dead ? 7101 : 7201, 5));
    await foreignContent(7201, (_line, peer) => peer.connection.end('OK 5\nhello'));
    await world.client();
    const download = world.download('a');
    await world.sim.advance(9000);
    expect(download.over).toBe(false);
    dead = false;
    await world.sim.advance(3000);
    expect(download.outcome?.source?.serverId).toBe('F7201');
  });
});

describe('an index that is away', () => {
  it('is asked again for a while', async () => {
    await world.client();
    const download = world.download('hello.txt');
    await world.sim.advance(1000);
    await world.index({ monitor: null });
    world.put(1, 'hello.txt', 'x');
    await world.content(1, { monitor: null });
    await world.sim.advance(3000);
    expect(download.outcome?.size).toBe(1);
  });

  it('fails the download in the end', async () => {
    await world.client();
    const download = world.download('hello.txt');
    await world.sim.advance(60_000);
    expect(download.error).toMatchObject({
      code: 'INDEX_UNREACHABLE',
      message: expect.stringContaining('nothing listens there'),
    });
    expect(downloads().names).toEqual([]);
  });

  it('or hangs fails it too', async () => {
    await ForeignServer.byLine(net(), INDEX, () => '');
    await world.client();
    const download = world.download('hello.txt');
    await world.sim.advance(120_000);
    expect(download.error).toMatchObject({ code: 'INDEX_UNREACHABLE' });
  });
});

describe('the end of a client', () => {
  it('waits, when draining, for what is under way and begins nothing new', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 1_000_000);
    const drained = world.programs.get('client')?.drain();
    const late = world.download('large.bin');
    await drained;
    expect(download.outcome?.size).toBe(large.length);
    await world.sim.settle();
    expect(late.error).toMatchObject({ code: 'STOPPING' });
  });

  it('keeps what has arrived, when stopped', async () => {
    await world.sample(1, { 'large.bin': large });
    const download = world.download('large.bin');
    await until(download, 3_000_000);
    await world.programs.get('client')?.stop();
    await world.sim.settle();
    expect(download.error).toMatchObject({ code: 'CANCELLED' });
    expect(downloads().names).toEqual(['large.bin.part']);
  });
});
