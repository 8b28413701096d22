import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles } from '../../runtime/files';
import { scratchFolder } from '../../testing/scratch-folder';
import { defaultsOf, HOST, World } from '../shared/testing/micro-cdn-world';
import { RawPeer } from '../shared/testing/raw-peer';
import { type ContentConfig, type ContentSnapshot, manifest } from './manifest';
import { createNode } from './node';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const CONTENT = { host: HOST, port: 7001 };
const net = () => world.sim.network.host('peer');
const start = (config: Partial<ContentConfig> = {}) =>
  world.content(1, { index: null, monitor: null, ...config });
const snapshot = () => world.recorded('CS1').snapshot() as unknown as ContentSnapshot;
const large = (() => {
  const bytes = Buffer.alloc(5_000_001);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31 + (at >> 12)) & 0xff;
  return bytes;
})();
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function asked(text: string): Promise<RawPeer> {
  const peer = await RawPeer.connect(net(), CONTENT);
  peer.send(text);
  await world.sim.settle();
  return peer;
}

/** A client that asks and reads nothing until `resume`. */
async function slowClient(text: string): Promise<RawPeer> {
  const peer = new RawPeer(await net().connect(CONTENT), { read: false });
  peer.send(text);
  await world.sim.settle();
  return peer;
}

describe('serving', () => {
  it('sends the size, the bytes, and the end', async () => {
    world.put(1, 'hello.txt', 'Hello!\n');
    world.put(1, 'empty', '');
    await start({ strict: true });
    const client = await asked('GET hello.txt\n');
    expect(client.text).toBe('OK 7\nHello!\n');
    expect(client.ended).toBe(true);
    expect(client.chunks).toHaveLength(1);
    expect((await asked('GET empty\n')).text).toBe('OK 0\n');
    const missing = await asked('GET nothing\n');
    expect(missing.text).toBe('ERROR FILE_NOT_FOUND\n');
    expect(missing.ended).toBe(true);
  });

  it('sends large files whole, to many at once', async () => {
    const body = large.subarray(0, 1_500_000);
    world.put(1, 'large.bin', body);
    await start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => asked('GET large.bin\n')));
    await world.sim.settle();
    const expected = Buffer.concat([Buffer.from(`OK ${body.length}\n`), body]);
    for (const client of clients) expect(client.bytes.equals(expected)).toBe(true);
    expect(snapshot().load).toBe(0);
  });

  it('takes the question byte by byte, with CRLF, without an end, and anything behind it', async () => {
    world.put(1, 'a b.txt', 'x');
    await start();
    expect((await asked('GET a b.txt\r\nGET a b.txt\r\n')).text).toBe('OK 1\nx');
    const halfClosed = await RawPeer.connect(net(), CONTENT);
    halfClosed.connection.end('GET a b.txt');
    await world.sim.settle();
    expect(halfClosed.text).toBe('OK 1\nx');
    expect(halfClosed.closed).toBe(true);
    world.sim.network.segmentSize = 1;
    expect((await asked('GET a b.txt\n')).text).toBe('OK 1\nx');
  });

  it('knows a name by its percent-encoded form too, the literal one first', async () => {
    world.put(1, 'my größe.txt', 'spaced');
    world.put(1, 'a%20b', 'literal');
    world.put(1, 'a b', 'spaced');
    await start();
    expect((await asked('GET my%20gr%C3%B6%C3%9Fe.txt\n')).text).toBe('OK 6\nspaced');
    expect((await asked('GET a%20b\n')).text).toBe('OK 7\nliteral');
    expect((await asked('GET %2e%2e%2fsecret\n')).text).toBe('ERROR BAD_FILE_NAME\n');
  });

  it.each([
    ['GET ../secret', 'ERROR BAD_FILE_NAME'],
    ['GET /etc/passwd', 'ERROR BAD_FILE_NAME'],
    ['GET sub/../../secret', 'ERROR BAD_FILE_NAME'],
    ['GET C:\\secret', 'ERROR BAD_FILE_NAME'],
    ['GET ..\\secret', 'ERROR BAD_FILE_NAME'],
    ['GET a\0b', 'ERROR BAD_FILE_NAME'],
    ['GET NUL', 'ERROR BAD_FILE_NAME'],
    ['GET .hidden', 'ERROR FILE_NOT_FOUND'],
    ['GET upload.bin.part', 'ERROR FILE_NOT_FOUND'],
    ['GET', 'ERROR MALFORMED_COMMAND'],
    ['HELLO', 'ERROR UNKNOWN_COMMAND'],
    ['', 'ERROR UNKNOWN_COMMAND'],
    ['\xff\xfe\x00', 'ERROR UNKNOWN_COMMAND'],
    [`GET ${'x'.repeat(5000)}`, 'ERROR LINE_TOO_LONG'],
  ])('answers %j with %j and closes', async (line, answer) => {
    world.put(1, '.hidden', 'x');
    world.put(1, 'upload.bin.part', 'x');
    await start();
    const refused = await asked(`${line}\n`);
    expect(refused.text).toBe(`${answer}\n`);
    expect(refused.ended).toBe(true);
    expect(snapshot().load).toBe(0);
  });

  it('serves what has just changed, not what it remembers', async () => {
    world.put(1, 'a', 'one');
    await start();
    expect((await asked('GET a\n')).text).toBe('OK 3\none');
    world.put(1, 'a', 'three');
    await world.sim.settle();
    expect((await asked('GET a\n')).text).toBe('OK 5\nthree');
    world.sim.files.at('/CS1').remove('a');
    await world.sim.advance(200);
    expect((await asked('GET a\n')).text).toBe('ERROR FILE_NOT_FOUND\n');
  });

  it('sends the header apart where it is told to', async () => {
    world.put(1, 'a', 'body');
    world.put(1, 'large.bin', large);
    await start({ headerApart: true });
    for (const [name, body] of [
      ['a', Buffer.from('body')],
      ['large.bin', large],
    ] as const) {
      const client = await asked(`GET ${name}\n`);
      expect(client.text).toBe(`OK ${body.length}\n`);
      await world.sim.advance(60);
      expect(client.bytes.subarray(client.chunks[0]?.length).equals(body)).toBe(true);
    }
  });

  it('turns away a client too many when all that it has are asking', async () => {
    world.put(1, 'a', 'a');
    await start();
    world.sim.files.at('/CS1').open = () => new Promise(() => {});
    const crowd = await Promise.all(Array.from({ length: 2000 }, () => RawPeer.connect(net(), CONTENT)));
    for (const client of crowd) client.send('GET a\n');
    await world.sim.settle();
    expect((await asked('')).text).toBe('ERROR BUSY\n');
    expect(crowd.every(({ closed }) => !closed)).toBe(true);
  });

  it('lets a client in though two thousand connections say nothing, and keeps those that ask', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const busy = await slowClient('GET large.bin\n');
    const connecting = Array.from({ length: 2000 }, () => RawPeer.connect(net(), CONTENT));
    const silent = await Promise.all(connecting);
    expect((await asked('GET large.bin\n')).bytes.subarray(-5_000_001).equals(large)).toBe(true);
    expect(silent.flatMap(({ closed }, at) => (closed ? [at] : []))).toEqual([0, 1]);
    busy.connection.resume();
    await world.sim.settle();
    expect(busy.bytes.subarray(-5_000_001).equals(large)).toBe(true);
  });
});

describe('a file that changes while it is served', () => {
  const folder = () => world.sim.files.at('/CS1');

  it('breaks the connection when it gets shorter', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const client = await slowClient('GET large.bin\n');
    await (await folder().create('large.bin')).truncate(2_000_000);
    client.connection.resume();
    await world.sim.settle();
    expect(client.error).toMatchObject({ code: 'ECONNRESET' });
    expect(client.bytes.length).toBeLessThan(large.length);
    expect(world.events('CS1', 'transfer-aborted')[0]).toContain('changed');
    expect(snapshot().load).toBe(0);
  });

  it('breaks the connection when other bytes come in their place', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const client = await slowClient('GET large.bin\n');
    await world.sim.advance(10);
    const file = await folder().create('large.bin');
    await file.write(Buffer.from('changed'), 4_000_000);
    client.connection.resume();
    await world.sim.settle();
    expect(client.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('sends exactly what it announced when another file takes the name', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const client = await slowClient('GET large.bin\n');
    world.put(1, 'large.bin', 'a new one');
    client.connection.resume();
    await world.sim.settle();
    expect(client.bytes.length).toBe(`OK ${large.length}\n`.length + large.length);
    expect(client.error).toBeUndefined();
  });
});

describe('load', () => {
  it('counts a client that vanishes in the middle no longer', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const client = await slowClient('GET large.bin\n');
    expect(snapshot().load).toBe(1);
    client.connection.reset();
    await world.sim.settle();
    expect(snapshot().load).toBe(0);
    expect(world.events('CS1', 'transfer-aborted')).toHaveLength(1);
  });

  it('counts a client that stops reading only until four times the time-out', async () => {
    world.put(1, 'large.bin', large);
    await start({ idleMs: 5000 });
    const client = await slowClient('GET large.bin\n');
    await world.sim.advance(19_900);
    expect(snapshot().load).toBe(1);
    await world.sim.advance(200);
    expect(snapshot().load).toBe(0);
    expect(client.closed).toBe(true);
  });

  it('does not count one that connects and says nothing, and drops it', async () => {
    await start({ idleMs: 5000 });
    const silent = await asked('');
    expect(snapshot().load).toBe(0);
    await world.sim.advance(5100);
    expect(silent.closed).toBe(true);
  });

  it('does not count one that has everything and keeps its side open', async () => {
    world.put(1, 'a', 'x');
    await start();
    const lingering = await asked('GET a\n');
    expect(snapshot().load).toBe(0);
    await world.sim.advance(2100);
    expect(lingering.closed).toBe(true);
  });

  it('does not stay because it goes on talking after its answer', async () => {
    world.put(1, 'a', 'body');
    await start();
    const talking = await asked('GET a\n');
    for (let second = 0; second < 5; second++) {
      talking.send('x');
      await world.sim.advance(1000);
    }
    expect(talking.closed).toBe(true);
  });
});

describe('extensions for clients', () => {
  it('sends the rest of a file', async () => {
    world.put(1, 'small', 'Hello!');
    world.put(1, 'large.bin', large);
    await start();
    expect((await asked('RANGE 2 small\n')).text).toBe('PART 2 6\nllo!');
    expect((await asked('RANGE 6 small\n')).text).toBe('PART 6 6\n');
    expect((await asked('RANGE 7 small\n')).text).toBe('ERROR RANGE_NOT_SATISFIABLE\n');
    const part = await asked('RANGE 4000000 large.bin\n');
    const header = `PART 4000000 ${large.length}\n`;
    expect(part.bytes.subarray(header.length).equals(large.subarray(4_000_000))).toBe(true);
    expect((await asked('RANGE 6000000 large.bin\n')).text).toBe('ERROR RANGE_NOT_SATISFIABLE\n');
    expect((await asked('RANGE 0 ../x\n')).text).toBe('ERROR BAD_FILE_NAME\n');
  });

  it('tells the hash of a file, and of its beginning', async () => {
    world.put(1, 'my file', large);
    await start();
    const whole = `DIGEST ${large.length} ${large.length} ${sha256(large)}\n`;
    const questions = await Promise.all(Array.from({ length: 5 }, () => asked('DIGEST * my file\n')));
    await world.sim.settle();
    for (const question of questions) expect(question.text).toBe(whole);
    const beginning = sha256(large.subarray(0, 1000));
    expect((await asked('DIGEST 1000 my file\n')).text).toBe(`DIGEST 1000 ${large.length} ${beginning}\n`);
    expect((await asked('DIGEST 9999999 my file\n')).text).toBe('ERROR RANGE_NOT_SATISFIABLE\n');
    expect((await asked('DIGEST * nothing\n')).text).toBe('ERROR FILE_NOT_FOUND\n');
    const other = Buffer.from(large).fill(7, 0, 10);
    await world.sim.advance(10);
    world.put(1, 'my file', other);
    expect((await asked('DIGEST * my file\n')).text).toContain(sha256(other));
  });

  it('has none of it when strict', async () => {
    world.put(1, 'a', 'Hello!');
    await start({ strict: true });
    expect((await asked('RANGE 2 a\n')).text).toBe('ERROR UNKNOWN_COMMAND\n');
    expect((await asked('DIGEST * a\n')).text).toBe('ERROR UNKNOWN_COMMAND\n');
    expect((await asked('GET a b\n')).text).toBe('ERROR MALFORMED_COMMAND\n');
  });
});

describe('draining', () => {
  it('takes nobody new, and finishes those it has', async () => {
    world.put(1, 'large.bin', large);
    await start();
    const client = await slowClient('GET large.bin\n');
    const undecided = await asked('');
    let drained = false;
    void world.programs
      .get('CS1')
      ?.drain()
      .then(() => {
        drained = true;
      });
    await world.sim.settle();
    await expect(net().connect(CONTENT)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(undecided.ended).toBe(true);
    expect(drained).toBe(false);
    client.connection.resume();
    undecided.connection.end();
    await world.sim.settle();
    client.connection.end();
    await world.sim.settle();
    expect(client.bytes.length).toBeGreaterThan(large.length);
    expect(drained).toBe(true);
  });
});

describe('on the real file system', () => {
  let root: string;
  beforeEach(async () => {
    root = await scratchFolder();
    await mkdir(join(root, 'files', 'sub'), { recursive: true });
    await writeFile(join(root, 'secret.txt'), 'secret');
    await writeFile(join(root, 'files', 'sub', 'ok.txt'), 'ok');
  });

  it('never hands out anything beyond the folder, links included', async () => {
    const files = join(root, 'files');
    await symlink(join(root, 'secret.txt'), join(files, 'link.txt'));
    await symlink(root, join(files, 'up'));
    await symlink('/etc', join(files, 'sub', 'etc'));
    await symlink(join(files, 'sub', 'ok.txt'), join(files, 'inside.txt'));
    const context = world.sim.context('CS1');
    const config = { ...defaultsOf(manifest.fields), serverId: 'CS1', files } as ContentConfig;
    const program = createNode(config, { ...context, files: systemFiles(context.log) });
    world.programs.set('CS1', program);
    await program.start();

    const answerTo = async (name: string): Promise<string> => {
      const peer = await asked(`GET ${name}\n`);
      // The disk takes its time, which the simulation cannot know of.
      while (!peer.ended) await new Promise((resolve) => setTimeout(resolve, 5));
      return peer.text;
    };
    expect(await answerTo('sub/ok.txt')).toBe('OK 2\nok');
    expect(await answerTo('inside.txt')).toBe('OK 2\nok');
    for (const name of [
      'link.txt',
      'up/secret.txt',
      'sub/etc/hostname',
      '../secret.txt',
      `${root}/secret.txt`,
    ]) {
      expect(await answerTo(name)).toBe('ERROR BAD_FILE_NAME\n');
    }
    expect(await answerTo('sub')).toBe('ERROR FILE_NOT_FOUND\n');
    expect(snapshot()).toMatchObject({ files: 2, bytes: 4, load: 0 });
  });
});
