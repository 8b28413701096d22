/** Both roles towards programs that know only the seed's protocol, written here from its description alone. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import { content, ForeignConnection, P2pWorld } from '../p2p/testing/p2p-world';

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** An index of the seed: one receive is one command, a list of at most 1024 bytes, nothing handled. */
async function foreignIndex(world: P2pWorld): Promise<{
  commands: string[];
  lists: string[];
  files: Map<string, string>;
  connections: Connection[];
}> {
  const connections: Connection[] = [];
  const commands: string[] = [];
  const lists: string[] = [];
  /** Name → Python text of the holder. */
  const files = new Map<string, string>();
  await world.sim.network.host('foreign-index').listen({ host: '127.0.0.1', port: 9000 }, (connection) => {
    connections.push(connection);
    let port = '';
    let wantsFiles = false;
    connection.handle({
      data: (bytes) => {
        const text = Buffer.from(bytes.subarray(0, 1024)).toString();
        if (wantsFiles) {
          wantsFiles = false;
          lists.push(text);
          const self = `["('${connection.remote.host}', ${connection.remote.port})", '${port}']`;
          for (const [name, holder] of files) if (holder === self) files.delete(name);
          for (const name of text.split(' ')) files.set(name, self);
          return;
        }
        commands.push(text);
        const [command, argument] = text.split(' ');
        if (command === 'register' || command === 'update' || command === 'delete') {
          if (command === 'register') port = argument ?? '';
          wantsFiles = true;
          connection.write('SEND FILES');
        } else if (command === 'get_files_list') {
          connection.write(`\nFiles hosted: \n \n${[...files.keys()].join('\n')}`);
        } else if (command === 'download') {
          connection.write(files.get(argument ?? '') ?? 'No Registered Nodes host that file');
        }
      },
      close: () => {},
    });
  });
  return { commands, lists, files, connections };
}

type Manners = 'honest' | 'ends-by-reset' | 'wrong-md5' | 'breaks-off' | 'stalls' | 'silent' | 'reset';

/** A peer of the seed that serves one file. */
async function foreignPeer(
  world: P2pWorld,
  port: number,
  name: string,
  bytes: Buffer,
  manners: Manners,
): Promise<{ said: string[] }> {
  const said: string[] = [];
  const serve = (connection: Connection, text: string): void => {
    said.push(text);
    if (text === name) {
      const sum = manners === 'wrong-md5' ? '0'.repeat(32) : md5(bytes);
      return connection.write(`${bytes.length}<SEP>${sum}`);
    }
    if (text === 'Error received') return connection.end();
    if (text !== 'File specs received') return connection.write('ERROR');
    if (manners === 'silent') return;
    if (manners === 'honest' || manners === 'wrong-md5') return connection.end(bytes);
    connection.write(manners === 'ends-by-reset' ? bytes : bytes.subarray(0, bytes.length / 2));
    if (manners === 'stalls') return;
    world.sim.clock.after(10, () => (manners === 'breaks-off' ? connection.end() : connection.reset()));
  };
  await world.sim.network.host(`foreign-${port}`).listen({ host: '127.0.0.1', port }, (connection) => {
    connection.handle({
      data: (received) => serve(connection, Buffer.from(received).toString()),
      close: () => {},
    });
  });
  return { said };
}

async function announce(world: P2pWorld, port: number, names: string): Promise<ForeignConnection> {
  const connection = await ForeignConnection.to(world, 9000, `foreign-${port}`);
  expect(await connection.say(`register ${port}`)).toBe('SEND FILES');
  await connection.say(names);
  return connection;
}

const file = content(100_000, 3);

it('a download from our own peers does not go on in what a peer of the seed has sent since', async () => {
  const world = new P2pWorld();
  const right = content(2_000_000, 4);
  await world.index();
  world.folder(1).put('big.bin', right);
  await world.peer(1, { uploadLimit: 400_000 });
  await world.peer(9);
  await world.until(() => world.snapshot(1).files === 1 && world.snapshot(1).hashing === 0);
  const ours = world.download(9, 'big.bin');
  await world.until(() => (ours.progress.at(-1)?.bytes ?? 0) > 900_000);
  ours.cancel();
  await expect(world.inTime(ours.result)).rejects.toThrow();
  expect(world.folder(9).names).toContain('.big.bin.pieces');
  world.crash(1);
  await foreignPeer(world, 9002, 'big.bin', content(2_000_000, 5), 'stalls');
  const holder = await announce(world, 9002, 'big.bin');
  const theirs = world.download(9, 'big.bin');
  await world.until(() => (theirs.progress.at(-1)?.bytes ?? 0) === 1_000_000);
  theirs.cancel();
  await expect(world.inTime(theirs.result)).rejects.toThrow();
  holder.connection.destroy();
  await world.peer(1);
  await world.fetch(9, 'big.bin');
  expect(right.equals(Buffer.from(world.folder(9).bytesOf('big.bin') ?? []))).toBe(true);
  await world.stop();
});

describe('our peer, asked by a peer of the seed', () => {
  async function started(): Promise<P2pWorld> {
    const world = new P2pWorld();
    await world.index();
    world.folder(1).put('song.mp3', file);
    world.folder(1).put('my song.mp3', 'la la');
    await world.peer(1);
    await world.until(() => world.snapshot(1).files === 2 && world.snapshot(1).hashing === 0);
    return world;
  }

  it('gives size and md5, waits for the answer, sends the bytes and closes', async () => {
    const world = await started();
    const asker = await ForeignConnection.to(world, 9001);
    expect(await asker.say('song.mp3')).toBe(`100000<SEP>${md5(file)}`);
    await asker.say('File specs received');
    expect(Buffer.concat(asker.received).equals(file)).toBe(true);
    expect(asker.closed).toBe(true);
    expect(asker.error).toBeUndefined();
    await world.stop();
  });

  it('gives the slot to others when the file is sent, also where the asker does not close', async () => {
    const world = await started();
    const connect = world.sim.network.host('foreign').connect({ host: '127.0.0.1', port: 9001 });
    const connection = await world.inTime(connect);
    let received = 0;
    connection.handle({
      data: (bytes) => {
        received += bytes.length;
      },
      end: () => {},
    });
    connection.write('song.mp3');
    await world.sim.advance(500);
    received = 0;
    connection.write('File specs received');
    await world.sim.advance(500);
    expect(received).toBe(file.length);
    expect(world.snapshot(1).uploads).toMatchObject([{ bytes: file.length, choked: true }]);
    await world.stop();
  });

  it('says ERROR to a name it does not have, and closes when that was seen', async () => {
    const world = await started();
    const asker = await ForeignConnection.to(world, 9001);
    expect(await asker.say('nothing')).toBe('ERROR');
    expect(await asker.say('Error received')).toBe('');
    expect(asker.closed).toBe(true);
    const curious = await ForeignConnection.to(world, 9001);
    expect(await curious.say('../peer1/song.mp3')).toBe('ERROR');
    await world.stop();
  });

  it('knows a name with a space, whole or encoded, in one segment or in many', async () => {
    const world = await started();
    const spec = `5<SEP>${md5(Buffer.from('la la'))}`;
    expect(await (await ForeignConnection.to(world, 9001)).say('my song.mp3')).toBe(spec);
    expect(await (await ForeignConnection.to(world, 9001)).say('my%20song.mp3')).toBe(spec);
    world.sim.network.segmentSize = 1;
    expect(await (await ForeignConnection.to(world, 9001)).say('my song.mp3')).toBe(spec);
    await world.stop();
  });

  it('lets an asker in though a thousand connections say nothing, and keeps those that do', async () => {
    const world = await started();
    const busy = await ForeignConnection.to(world, 9001);
    await busy.say('song.mp3');
    const crowd = world.sim.network.host('crowd');
    const connecting = Array.from({ length: 1000 }, () => crowd.connect({ host: '127.0.0.1', port: 9001 }));
    const silent = await world.inTime(Promise.all(connecting));
    const asker = await ForeignConnection.to(world, 9001);
    expect(await asker.say('song.mp3')).toBe(`100000<SEP>${md5(file)}`);
    const dropped = silent.flatMap(({ closed }, at) => (closed ? [at] : []));
    expect(dropped).toEqual([0, 1]);
    await busy.say('File specs received');
    expect(busy.text.length).toBeGreaterThan(0);
    await world.stop();
  });

  it('ends with a reset when the owner deletes the file in the middle, and never as if that was all', async () => {
    const world = new P2pWorld();
    await world.index();
    world.folder(1).put('song.mp3', file);
    await world.peer(1, { uploadLimit: 20_000 });
    await world.until(() => world.snapshot(1).files === 1 && world.snapshot(1).hashing === 0);
    const plain = await ForeignConnection.to(world, 9001);
    await plain.say('song.mp3');
    const http = await ForeignConnection.to(world, 9001);
    http.connection.write('GET /song.mp3 HTTP/1.1\r\nHost: x\r\n\r\n');
    await plain.say('File specs received');
    await world.until(() => world.snapshot(1).uploads.every(({ bytes }) => bytes > 0));
    await world.operate(1, 'delete', { name: 'song.mp3' });
    expect(world.indexSnapshot().files).toBe(0);
    await world.until(() => plain.closed && http.closed);
    for (const { error, received } of [plain, http]) {
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      expect(Buffer.concat(received).length).toBeLessThan(file.length);
    }
    expect(world.snapshot(1).uploads).toEqual([]);
    await world.stop();
  });

  it('survives an asker that resets, and one that takes nothing', async () => {
    const world = await started();
    const rude = await ForeignConnection.to(world, 9001);
    await rude.say('song.mp3');
    rude.connection.write('File specs received');
    rude.connection.reset();
    const lazy = await ForeignConnection.to(world, 9001);
    lazy.connection.pause();
    lazy.connection.write('song.mp3');
    await world.sim.advance(120_000);
    expect(world.snapshot(1).uploads).toEqual([]);
    expect(await (await ForeignConnection.to(world, 9001)).say('song.mp3')).toContain('<SEP>');
    await world.stop();
  });
});

describe('our peer, asked by more peers of the seed than it has slots', () => {
  it('breaks into nobody’s file, and lets nobody wait for the end of all others', async () => {
    const world = new P2pWorld();
    await world.index();
    world.folder(1).put('song.mp3', file);
    await world.peer(1, { slots: 2, uploadLimit: 20_000 });
    await world.until(() => world.snapshot(1).files === 1 && world.snapshot(1).hashing === 0);
    const askers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => ForeignConnection.to(world, 9001, `foreign-${at}`)),
    );
    for (const asker of askers) asker.connection.write('song.mp3');
    await world.until(() => askers.every(({ text }) => text.includes('<SEP>')));
    for (const asker of askers) {
      asker.received.length = 0;
      asker.connection.write('File specs received');
    }
    await world.sim.advance(100);
    expect(world.snapshot(1).uploads.filter(({ choked }) => !choked)).toHaveLength(2);
    // All have begun long before the first two are finished, and who has begun is never shown as waiting.
    await world.until(() => askers.every(({ received }) => received.length > 0));
    expect(askers.filter(({ closed }) => closed)).toEqual([]);
    await world.sim.advance(1000);
    expect(world.snapshot(1).uploads.filter(({ choked }) => choked)).toEqual([]);
    await world.until(() => askers.every(({ closed }) => closed));
    for (const { received } of askers) expect(Buffer.concat(received).equals(file)).toBe(true);
    await world.stop();
  });
});

describe('our peer, downloading from peers of the seed', () => {
  it.each<Manners>(['honest', 'ends-by-reset'])(
    'asks, answers and verifies as the seed does, and serves the file afterwards (%s)',
    async (manners) => {
      const world = new P2pWorld();
      await world.index();
      const peer = await foreignPeer(world, 9005, 'song.mp3', file, manners);
      await announce(world, 9005, 'song.mp3');
      await world.peer(1);
      const result = await world.fetch(1, 'song.mp3');
      expect(Buffer.from(world.folder(1).bytesOf('song.mp3') ?? []).equals(file)).toBe(true);
      expect(result.verified).toBe(`size and md5 (${md5(file)})`);
      expect(peer.said.filter((text) => text !== '')).toEqual(['song.mp3', 'File specs received']);
      await world.until(() => world.snapshot(1).files === 1);
      await world.stop();
    },
  );

  it.each<Manners>(['wrong-md5', 'breaks-off', 'silent', 'reset'])(
    'goes to the next one when a peer is %s',
    async (manners) => {
      const world = new P2pWorld();
      await world.index();
      await foreignPeer(world, 9005, 'song.mp3', file, manners);
      await foreignPeer(world, 9006, 'song.mp3', file, 'honest');
      await announce(world, 9005, 'song.mp3');
      await world.peer(1);
      const alone = world.download(1, 'song.mp3').result;
      await expect(world.inTime(alone)).rejects.toMatchObject({ code: 'NO_SOURCE' });
      expect(world.folder(1).names.filter((name) => name.startsWith('song'))).toEqual([]);
      await announce(world, 9006, 'song.mp3');
      await world.fetch(1, 'song.mp3');
      expect(Buffer.from(world.folder(1).bytesOf('song.mp3') ?? []).equals(file)).toBe(true);
      await world.stop();
    },
  );

  it('says so when the holder does not have it any more', async () => {
    const world = new P2pWorld();
    await world.index();
    const peer = await foreignPeer(world, 9005, 'other.txt', file, 'honest');
    await announce(world, 9005, 'song.mp3');
    await world.peer(1);
    await expect(world.fetch(1, 'song.mp3')).rejects.toMatchObject({ code: 'NO_SOURCE' });
    expect(peer.said).toContain('Error received');
    await world.stop();
  });
});

describe('our peer at an index of the seed', () => {
  it('registers, lists, downloads and unregisters with the words of the seed and nothing else', async () => {
    const world = new P2pWorld();
    const index = await foreignIndex(world);
    world.folder(1).put('mine.txt', 'mine');
    await world.peer(1);
    await world.until(() => world.snapshot(1).index === 'registered');
    await world.until(() => index.lists.length > 0);
    expect(index.lists).toEqual(['mine.txt']);
    expect(world.snapshot(1)).toMatchObject({ dialect: 'seed' });
    await foreignPeer(world, 9005, 'song.mp3', file, 'honest');
    index.files.set('song.mp3', `["('127.0.0.1', 40000)", '9005']`);
    expect((await world.operate(1, 'list', undefined)).map(({ name }) => name)).toEqual([
      'mine.txt',
      'song.mp3',
    ]);
    await expect(world.fetch(1, 'nothing.txt')).rejects.toMatchObject({ code: 'NO_HOLDERS' });
    await world.fetch(1, 'song.mp3');
    await world.until(() => index.lists.length === 2);
    expect(index.lists[1]).toBe('mine.txt song.mp3');
    await world.operate(1, 'unregister', undefined);
    expect(index.commands).toEqual([
      'register 9001',
      'get_files_list',
      'download nothing.txt',
      'download song.mp3',
      'update',
      'unregister',
    ]);
    await world.stop();
  });

  it('reads lists and holders that come in many receives, with and without names in several bytes', async () => {
    const world = new P2pWorld();
    const index = await foreignIndex(world);
    await world.peer(1);
    const names = Array.from({ length: 400 }, (_, at) => `dateï-${String(at).padStart(4, '0')}.bin`);
    for (const name of names) index.files.set(name, 'x');
    const holders = Array.from(
      { length: 60 },
      (_, at) => `["('127.0.0.1', ${40_000 + at})", '${9100 + at}']`,
    );
    index.files.set('song.mp3', [...holders, `["('127.0.0.1', 40100)", '9005']`].join(' '));
    await foreignPeer(world, 9005, 'song.mp3', file, 'honest');
    world.sim.network.segmentSize = 1023;
    expect((await world.operate(1, 'list', undefined)).map(({ name }) => name)).toEqual([
      ...names,
      'song.mp3',
    ]);
    // Of those that are named only the last one is there.
    const { path } = await world.fetch(1, 'song.mp3');
    expect(path).toBe('/peer1/song.mp3');
    await world.stop();
  });

  it('registers again after the index broke the connection off, by close or by reset', async () => {
    const world = new P2pWorld();
    const index = await foreignIndex(world);
    world.folder(1).put('mine.txt', 'mine');
    await world.peer(1);
    for (const [at, end] of (['end', 'reset'] as const).entries()) {
      await world.until(() => index.lists.length === at + 1);
      index.connections.at(-1)?.[end]();
      await world.until(() => world.snapshot(1).index === 'unreachable');
    }
    await world.until(() => index.lists.length === 3);
    expect(index.commands).toEqual(Array(3).fill('register 9001'));
    await world.stop();
  });

  it('holds back what would not fit, encodes spaces, and does not register an empty folder', async () => {
    const world = new P2pWorld();
    const index = await foreignIndex(world);
    await world.peer(1);
    await world.sim.advance(3000);
    expect(index.commands).toEqual([]);
    world.folder(1).put('my file.txt', 'x');
    await world.until(() => index.lists.length === 1);
    expect(index.lists).toEqual(['my%20file.txt']);
    for (let at = 0; at < 60; at++) world.folder(1).put(`a-rather-long-name-number-${at}.bin`, 'x');
    await world.until(() => world.snapshot(1).files === 61);
    await world.sim.advance(1000);
    const last = index.lists.at(-1) as string;
    expect(last.length).toBeLessThanOrEqual(1024);
    expect(world.snapshot(1).heldBack.length).toBeGreaterThan(0);
    expect(index.commands.every((command) => command === 'update' || command === 'register 9001')).toBe(true);
    await world.stop();
  });

  it('finds our own peers behind it, and swarms with them', async () => {
    const world = new P2pWorld();
    await foreignIndex(world);
    world.folder(1).put('big.bin', content(1_000_000));
    await world.peer(1);
    await world.until(() => world.snapshot(1).index === 'registered' && world.snapshot(1).files === 1);
    await world.peer(2);
    await world.sim.advance(1000);
    const result = await world.fetch(2, 'big.bin');
    expect(result.verified).toBe('size and every piece (SHA-256)');
    await world.stop();
  });

  it('in strict mode speaks the plain protocol with our own as well', async () => {
    const world = new P2pWorld();
    await world.index();
    world.folder(1).put('song.mp3', file);
    await world.peer(1);
    await world.peer(2, { strict: true });
    await world.until(() => world.indexSnapshot().files === 1);
    const result = await world.fetch(2, 'song.mp3');
    expect(result.verified).toContain('md5');
    expect(world.snapshot(2).dialect).toBe('seed');
    await world.stop();
  });
});
