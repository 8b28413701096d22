import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import type { MemoryFolder } from '../../runtime/testing/memory-files';
import { PeerLink } from '../shared/ring/peer-link';
import type { RingSnapshot } from './manifest';
import { RingWorld } from './testing/ring-world';

const at = (port: number) => ({ host: '127.0.0.1', port });

/** What any program gets that sends one message: the answer, until the server closes. */
function exchange(world: RingWorld, port: number, message: string): Promise<string> {
  const net = world.simulation.network.host('client', world.simulation.clock);
  return new Promise((resolve, reject) => {
    net.connect(at(port)).then((connection: Connection) => {
      const pieces: Buffer[] = [];
      const answer = (): string => Buffer.concat(pieces).toString('utf8');
      connection.handle({
        data: (bytes) => void pieces.push(Buffer.from(bytes)),
        end: () => {
          connection.end();
          resolve(answer());
        },
        close: () => resolve(answer()),
      });
      connection.write(message);
    }, reject);
  });
}

async function during<Value>(world: RingWorld, promise: Promise<Value>): Promise<Value> {
  let settled = false;
  void promise
    .finally(() => {
      settled = true;
    })
    .catch(() => {});
  await world.until(() => settled);
  return promise;
}

const put = (world: RingWorld, port: number, item: string, content: string): Promise<string> =>
  during(world, exchange(world, port, JSON.stringify({ type: 'PUT', data: { item, content } })));
const get = (world: RingWorld, port: number, item: string): Promise<string> =>
  during(world, exchange(world, port, JSON.stringify({ type: 'GET', data: item })));
const stored = (item: string): string => `{"type":"PUT","data":{"item":"${item}","status":"200 OK"}}`;
const got = (item: string, content: string): string =>
  `{"type":"GET","data":{"item":"${item}","content":"${content}"}}`;
const onDisk = (world: RingWorld, port: number, item: string): Uint8Array | undefined =>
  world.simulation.files.at(`/ring/${port}`).bytesOf(item);

/** From now on, nothing can be written into this member's folder. */
function fullDisk(world: RingWorld, port: number): MemoryFolder {
  const folder = world.simulation.files.at(`/ring/${port}`);
  const create = folder.create.bind(folder);
  folder.create = async (...options) => ({
    ...(await create(...options)),
    write: async () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    },
  });
  return folder;
}

const digests = (world: RingWorld): Set<string> =>
  new Set([...world.members.keys()].map((port) => world.snapshot(port).contentDigest));

describe('the seed on the wire', () => {
  it('PUT is acknowledged when every member has it, and GET works at any', async () => {
    const world = new RingWorld();
    await world.ring(4);
    expect(await put(world, 4044, 'a.txt', 'hello')).toBe(stored('a.txt'));
    for (const port of world.members.keys()) {
      expect(Buffer.from(onDisk(world, port, 'a.txt') ?? []).toString()).toBe('hello');
      expect(await get(world, port, 'a.txt')).toBe(got('a.txt', 'hello'));
    }
    expect(await get(world, 4045, 'nothing')).toBe(got('nothing', '404 NOT FOUND'));
  });

  it('waits with a message that comes while the member reads its items', async () => {
    const world = new RingWorld();
    const folder = world.simulation.files.at('/ring/4043');
    const list = folder.list.bind(folder);
    let read = (): void => {};
    folder.list = async () => {
      await new Promise<void>((resolve) => {
        read = resolve;
      });
      return list();
    };
    const started = world.start(4043);
    const net = world.simulation.network.host('client', world.simulation.clock);
    const link = PeerLink.open(net, world.simulation.clock, at(4043), 1000);
    const answer = link.then((open) => open.request({ op: 'get', name: 'a' }, 1000));
    await world.simulation.settle();
    folder.list = list;
    read();
    await started;
    expect((await during(world, answer)).header).not.toHaveProperty('error');
  });

  it('keeps names apart that are one file where the case of letters does not count', async () => {
    const world = new RingWorld();
    await world.start(4043);
    expect(await put(world, 4043, 'Notes', 'one')).toBe(stored('Notes'));
    expect(await put(world, 4043, 'notes', 'two')).toBe(stored('notes'));
    const files = (await world.simulation.files.at('/ring/4043').list()).map(({ name }) => name);
    expect(new Set(files.map((name) => name.toLowerCase())).size).toBe(2);
    expect(await get(world, 4043, 'Notes')).toBe(got('Notes', 'one'));
    expect(await get(world, 4043, 'notes')).toBe(got('notes', 'two'));
  });

  it('a lone member takes one PUT after the other', async () => {
    const world = new RingWorld();
    await world.start(4043);
    expect(await put(world, 4043, 'a', '1')).toBe(stored('a'));
    expect(await put(world, 4043, 'a', '2')).toBe(stored('a'));
    expect(await get(world, 4043, 'a')).toBe(got('a', '2'));
  });

  it('answers of concurrent clients are never swapped', async () => {
    const world = new RingWorld();
    await world.ring(3);
    const names = Array.from({ length: 30 }, (_, n) => `file${n}`);
    const puts = await during(
      world,
      Promise.all(
        names.map((item) =>
          exchange(world, 4043, JSON.stringify({ type: 'PUT', data: { item, content: `of ${item}` } })),
        ),
      ),
    );
    expect(puts).toEqual(names.map(stored));
    const gets = await during(
      world,
      Promise.all(names.map((item) => exchange(world, 4044, JSON.stringify({ type: 'GET', data: item })))),
    );
    expect(gets).toEqual(names.map((item) => got(item, `of ${item}`)));
  });

  it.each([1, 3, 100])('messages are taken in segments of %i bytes', async (segmentSize) => {
    const world = new RingWorld();
    await world.ring(2);
    world.simulation.network.segmentSize = segmentSize;
    expect(await put(world, 4043, 'ü', 'täxt {"}')).toContain('200 OK');
    expect(JSON.parse(await get(world, 4044, 'ü')).data.content).toBe('täxt {"}');
  });

  it('names that are no file names are items all the same', async () => {
    const world = new RingWorld();
    await world.ring(2);
    for (const item of ['../../etc/passwd', '/abs', 'CON', 'a'.repeat(300), '.ring/ring.json', 'x/y', 'x']) {
      expect(await put(world, 4043, item, `of ${item}`)).toContain('200 OK');
      expect(JSON.parse(await get(world, 4044, item)).data.content).toBe(`of ${item}`);
    }
  });
});

describe('versions', () => {
  it('concurrent PUTs of one name end with one content everywhere', async () => {
    const world = new RingWorld();
    await world.ring(5);
    const both = Promise.all([4043, 4045, 4047].map((port) => put(world, port, 'same', `from ${port}`)));
    expect(await during(world, both)).toEqual([stored('same'), stored('same'), stored('same')]);
    await world.until(() => digests(world).size === 1);
    const contents = new Set(
      [...world.members.keys()].map((port) => Buffer.from(onDisk(world, port, 'same') ?? []).toString()),
    );
    expect(contents.size).toBe(1);
  });

  it('a member that joins late receives what it lacks', async () => {
    const world = new RingWorld();
    await world.ring(2);
    for (let n = 0; n < 150; n++) await put(world, 4043, `file${n}`, `content ${n}`);
    await world.start(4050, 4044);
    await world.until(() => world.converged && digests(world).size === 1);
    expect(world.snapshot(4050).items).toBe(150);
  });

  it('a member that joins late receives all but the one file that nobody can read', async () => {
    const world = new RingWorld();
    await world.start(4043);
    const names = Array.from({ length: 300 }, (_, n) => `file${n}`);
    for (const name of names) await put(world, 4043, name, 'x');
    const folder = world.simulation.files.at('/ring/4043');
    const open = folder.open.bind(folder);
    folder.open = async (name) => {
      if (name === 'file0') throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
      return open(name);
    };
    await world.start(4044, 4043);
    await world.until(() => names.every((name) => name === 'file0' || onDisk(world, 4044, name)));
    expect(onDisk(world, 4044, 'file0')).toBeUndefined();
  });

  it('a member that was away returns with what it missed, and without what is old', async () => {
    const world = new RingWorld();
    await world.ring(3);
    await put(world, 4043, 'a', 'old');
    world.kill(4045);
    await put(world, 4043, 'a', 'new');
    await world.start(4045);
    await world.until(() => world.converged && digests(world).size === 1);
    expect(Buffer.from(onDisk(world, 4045, 'a') ?? []).toString()).toBe('new');
  });

  it('content survives a restart of all members', async () => {
    const world = new RingWorld();
    await world.ring(2);
    await put(world, 4043, 'a', 'kept');
    for (const port of [4043, 4044]) world.kill(port);
    await world.start(4043);
    expect(await get(world, 4043, 'a')).toBe(got('a', 'kept'));
  });

  it('halves that took PUTs while apart end with the same', async () => {
    const world = new RingWorld();
    await world.ring(4);
    world.weather.partition((port) => port % 2);
    await world.until(() => world.lists.length === 2);
    await put(world, 4043, 'left', 'l');
    await put(world, 4044, 'right', 'r');
    await put(world, 4043, 'both', 'from the left');
    await put(world, 4044, 'both', 'from the right');
    world.weather.heal();
    await world.until(() => world.converged && digests(world).size === 1);
    expect(world.snapshot(4045).items).toBe(3);
  });
});

describe('in trouble', () => {
  it('a PUT completes although a member dies with it', async () => {
    const world = new RingWorld();
    await world.ring(5, { hopDelayMs: 100 });
    const putting = exchange(world, 4043, '{"type":"PUT","data":{"item":"a","content":"x"}}');
    await world.simulation.advance(150); // at 4044, which waits before it passes it on
    world.kill(4044);
    expect(await during(world, putting)).toBe(stored('a'));
    for (const port of world.members.keys()) expect(onDisk(world, port, 'a')).toBeDefined();
  });

  it('a request just after a neighbour died is not lost', async () => {
    const world = new RingWorld();
    await world.ring(3);
    world.kill(4044);
    const putting = exchange(world, 4043, '{"type":"PUT","data":{"item":"a","content":"x"}}');
    expect(await during(world, putting)).toBe(stored('a'));
  });

  it('a PUT passes over a member that hangs, and completes when that is removed', async () => {
    for (const hung of [4044, 4045]) {
      const world = new RingWorld();
      await world.ring(3);
      world.weather.freeze(hung);
      expect(await put(world, 4043, 'a', 'x')).toBe(stored('a'));
      world.weather.thaw(hung);
      await world.until(() => onDisk(world, hung, 'a') !== undefined);
      await world.until(() => world.converged);
    }
  });

  it('a quorum is enough while a member hangs', async () => {
    const world = new RingWorld();
    await world.ring(4, { quorum: 2 });
    world.weather.freeze(4046);
    const began = world.simulation.clock.now();
    expect(await put(world, 4043, 'a', 'x')).toBe(stored('a'));
    expect(world.simulation.clock.now() - began).toBeLessThanOrEqual(100);
  });

  it('a client waits for its answer as long as a PUT is tried', async () => {
    const world = new RingWorld();
    await world.ring(3);
    fullDisk(world, 4044);
    const answer = await put(world, 4043, 'a', 'x');
    expect(answer).toBe('{"type":"PUT","data":{"item":"a","status":"206 STORED ON 2 OF 3"}}');
  });

  it('a member that cannot store an item does not count for the quorum', async () => {
    const world = new RingWorld();
    await world.ring(3, { quorum: 3 });
    fullDisk(world, 4044);
    const answer = JSON.parse(await put(world, 4043, 'a', 'x'));
    expect(answer.data.status).toBe('206 STORED ON 2 OF 3');
  });

  it('a damaged file is got back from the others', async () => {
    const world = new RingWorld();
    await world.ring(3);
    await put(world, 4043, 'a', 'right');
    world.simulation.files.at('/ring/4044').bytesOf('a')?.fill(0x3f);
    expect(await get(world, 4044, 'a')).toBe(got('a', 'right'));
    expect(Buffer.from(onDisk(world, 4044, 'a') ?? []).toString()).toBe('right');
    expect(digests(world).size).toBe(1);
  });

  it('a file that is deleted comes back', async () => {
    const world = new RingWorld();
    await world.ring(3);
    await put(world, 4043, 'a', 'x');
    await world.simulation.files.at('/ring/4044').remove('a');
    await world.until(() => onDisk(world, 4044, 'a') !== undefined);
  });

  it('what nobody sent is refused: links of strangers, junk, endless objects', async () => {
    const world = new RingWorld();
    await world.ring(2);
    expect(await during(world, exchange(world, 4043, '{"type":"HELLO"}'))).toBe('');
    expect(await during(world, exchange(world, 4043, 'GET / HTTP/1.1\r\n'))).toBe('');
    const { network, clock } = world.simulation;
    const link = await PeerLink.open(network.host('stranger', clock), clock, at(4043), 1000);
    const refused = link.request({ op: 'digests' }, 1000);
    refused.catch(() => {});
    await world.simulation.settle();
    await expect(refused).rejects.toMatchObject({ code: 'REFUSED', message: 'say hello first' });
    expect(world.converged).toBe(true);
  });
});

describe('a client over a link', () => {
  async function connected(): Promise<{ world: RingWorld; link: PeerLink; open: () => number }> {
    const world = new RingWorld();
    await world.start(4043);
    await put(world, 4043, 'a', 'x');
    const folder = world.simulation.files.at('/ring/4043');
    const journal = folder.openFiles;
    const { network, clock } = world.simulation;
    const link = await PeerLink.open(network.host('client', clock), clock, at(4043), 1000);
    return { world, link, open: () => folder.openFiles - journal };
  }

  const ask = (link: PeerLink, ...headers: Record<string, unknown>[]): void => {
    for (const header of headers) link.request(header, 1000).catch(() => {});
  };

  it('leaves no file open, whatever it asks for at once', async () => {
    const { world, link, open } = await connected();
    ask(link, { op: 'get', name: 'a' }, { op: 'get', name: 'a' }, { op: 'put-begin' }, { op: 'put-begin' });
    await world.simulation.settle();
    expect(open()).toBe(1);
    link.close();
    await world.simulation.settle();
    expect(open()).toBe(0);
  });

  it('leaves no file open when it goes while one is being opened', async () => {
    const { world, link, open } = await connected();
    const folder = world.simulation.files.at('/ring/4043');
    for (const method of ['open', 'create'] as const) {
      const original = folder[method].bind(folder) as (...options: unknown[]) => Promise<never>;
      folder[method] = async (...options: unknown[]) => {
        await world.simulation.clock.sleep(500);
        return original(...options);
      };
    }
    ask(link, { op: 'get', name: 'a' }, { op: 'put-begin' });
    await world.simulation.settle();
    link.close();
    await world.simulation.advance(2000);
    expect(open()).toBe(0);
  });

  it('leaves no file open when the disk is full', async () => {
    const { world, open } = await connected();
    const folder = fullDisk(world, 4043);
    expect(await put(world, 4043, 'b', 'y')).toBe('');
    expect(open()).toBe(0);
    expect(folder.names.filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('files', () => {
  it('a file put into the folder of one member is soon at all', async () => {
    const world = new RingWorld();
    await world.ring(3);
    world.simulation.files.at('/ring/4044').put('dropped.bin', Uint8Array.of(0, 255, 1, 254));
    await world.until(() => [...world.members.keys()].every((port) => onDisk(world, port, 'dropped.bin')));
    expect([...(onDisk(world, 4045, 'dropped.bin') ?? [])]).toEqual([0, 255, 1, 254]);
    expect(JSON.parse(await get(world, 4045, 'dropped.bin')).data.content).toMatch(/^406 /);
  });

  it('large files travel in pieces, and are the same everywhere', async () => {
    const world = new RingWorld();
    await world.ring(3);
    const content = Buffer.alloc(3_500_000, 'seven77');
    world.simulation.files.at('/ring/4043').put('large', content);
    await world.until(() => digests(world).size === 1 && world.snapshot(4045).items === 1);
    const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(sha(onDisk(world, 4045, 'large') ?? Buffer.alloc(0))).toBe(sha(content));
  });

  it('the snapshot shows what is held and what travels', async () => {
    const world = new RingWorld();
    await world.ring(3, { hopDelayMs: 200 });
    await world.simulation.advance(5000);
    const putting = exchange(world, 4043, '{"type":"PUT","data":{"item":"a","content":"x"}}');
    await world.simulation.advance(100);
    const travelling: RingSnapshot['travelling'] = world.snapshot(4043).travelling;
    expect(travelling).toMatchObject([{ kind: 'put', item: 'a', seen: 1 }]);
    await during(world, putting);
    expect(world.snapshot(4043)).toMatchObject({ items: 1, bytes: 1, travelling: [], quorum: 'all' });
  });
});

it('a PUT is seen going round: each member shows its step to the next one, and the last one home', async () => {
  const world = new RingWorld();
  await world.ring(5);
  for (const { process } of world.members.values()) world.simulation.recorded(process).hops.length = 0;
  await put(world, 4045, 'a.txt', 'hello');
  const steps = [...world.members.values()].flatMap(({ process, port }) =>
    world.simulation.recorded(process).hops.map(({ to, step, message }) => ({ port, to, step, message })),
  );
  const [journey] = steps
    .filter(({ port, step }) => port === 4045 && step === 1)
    .map(({ message }) => message);
  const circle = world.snapshot(4045).list.map((address) => Number(address.split(':')[1]));
  const ordered = steps.filter(({ message }) => message === journey).sort((a, b) => a.step - b.step);
  expect(ordered).toHaveLength(5);
  for (const [index, { port, to, step }] of ordered.entries()) {
    expect(step).toBe(index + 1);
    expect(port).toBe(circle[(circle.indexOf(4045) + index) % 5]);
    expect(to.port).toBe(circle[(circle.indexOf(4045) + index + 1) % 5]);
  }
});
