import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, INDEX, MONITOR_UDP, World } from '../shared/testing/micro-cdn-world';
import { ForeignServer, RawPeer } from '../shared/testing/raw-peer';
import type { ContentSnapshot } from './manifest';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const net = (name = 'foreign') => world.sim.network.host(name);
const snapshot = () => world.recorded('CS1').snapshot() as unknown as ContentSnapshot;

/** An index as the seed describes it, in the fewest words: what it does not know is an ERROR and the end. */
class SeedIndex {
  readonly files = new Map<string, { port: string; size: string }>();
  server: ForeignServer | undefined;

  async listen(name = 'foreign'): Promise<this> {
    const ports = new WeakMap<RawPeer, string>();
    this.server = await ForeignServer.byLine(net(name), INDEX, (line, peer) => {
      const words = line.split(' ');
      if (line === 'HELLO') return 'WELCOME MICRO-CDN\n';
      if (words[0] === 'REGISTER' && words.length === 4) {
        ports.set(peer, words[2] as string);
        return 'OK REGISTERED\n';
      }
      if (words[0] === 'ADD_FILE' && words.length === 4) {
        this.files.set(words[2] as string, { port: ports.get(peer) as string, size: words[3] as string });
        return '';
      }
      if (line === 'DONE_FILES') return 'OK FILES_ADDED\n';
      if (words[0] === 'GET' && words.length === 2) {
        const file = this.files.get(words[1] as string);
        return file ? `SERVER ${HOST} ${file.port} CS1 ${file.size}\n` : 'ERROR FILE_NOT_FOUND\n';
      }
      peer.send('ERROR UNKNOWN_COMMAND\n');
      return null;
    });
    return this;
  }

  get received(): string[] {
    return this.server?.received ?? [];
  }

  get registrations(): number {
    return this.received.filter((line) => line.startsWith('REGISTER ')).length;
  }
}

describe('towards our own index', () => {
  it('registers, with every file and its features', async () => {
    world.put(1, 'a b.txt', '1');
    world.put(1, 'größe/文.txt', '22');
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    expect(snapshot()).toMatchObject({ index: 'registered', files: 2, bytes: 3, heldBack: [] });
    expect((await world.catalogue()).rows).toMatchObject([
      { name: 'a b.txt', size: 1 },
      { name: 'größe/文.txt', size: 2 },
    ]);
    expect(world.indexSnapshot().servers).toMatchObject([
      { serverId: 'CS1', host: HOST, tcpPort: 7001, udpPort: 7002, files: 2, status: 'alive' },
    ]);
  });

  it('tells of added, changed and removed files at once, and of nothing else', async () => {
    for (let number = 0; number < 1000; number++) world.put(1, `file-${number}`, 'x');
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    const folder = world.sim.files.at('/CS1');
    folder.put('new file', 'abc');
    folder.put('file-0', 'changed');
    await folder.remove('file-1');
    await world.sim.settle();
    const { rows, total } = await world.catalogue({ limit: 1000 });
    expect(total).toBe(1000);
    expect(rows.find(({ name }) => name === 'new file')?.size).toBe(3);
    expect(rows.find(({ name }) => name === 'file-0')?.size).toBe(7);
    expect(rows.some(({ name }) => name === 'file-1')).toBe(false);
    const sent = world.recorded('CS1').traces.filter((line) => line.startsWith('> REGISTER'));
    expect(sent).toHaveLength(1);
    for (const type of ['file-added', 'file-changed', 'file-removed']) {
      expect(world.events('CS1', type)).toHaveLength(1);
    }
  });

  it('registers again after the index was restarted, and says that it was away', async () => {
    world.put(1, 'hello.txt', 'x');
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    world.crash('index');
    await world.sim.advance(3000);
    expect(snapshot()).toMatchObject({ index: 'unreachable' });
    expect(snapshot().indexDetail).toContain('nothing listens there');
    await world.index({ monitor: null });
    await world.sim.advance(2100);
    expect(snapshot().index).toBe('registered');
    expect((await world.catalogue()).total).toBe(1);
    expect(world.events('CS1', 'index-lost')).toHaveLength(1);
    expect(world.events('CS1', 'index-found')).toHaveLength(2);
  });

  it('registers again when the index is a new one between two looks', async () => {
    world.put(1, 'hello.txt', 'x');
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    world.crash('index');
    await world.index({ monitor: null });
    await world.sim.advance(300);
    expect((await world.catalogue()).total).toBe(1);
  });

  it('registers again when a line was damaged on its way and still made sense', async () => {
    world.put(1, 'hello.txt', 'Hello!');
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    const digest = 'ab'.repeat(32);
    const registrations = () =>
      world.recorded('CS1').traces.filter((trace) => trace.startsWith('> REGISTER')).length;
    for (const [at, line] of [
      `FILE_DIGEST CS1 ${digest} hello.txt`,
      'ADD_FILE CS1 hello.txt 7',
      'REMOVE_FILE CS1 hello.txt\nADD_FILE CS1 hellp.txt 6',
    ].entries()) {
      const forger = await RawPeer.connect(net(), INDEX);
      forger.send(`UPDATE CS1\n${line}\nDONE_FILES\n`);
      await world.sim.advance(7000);
      expect(registrations()).toBe(2 + at);
      expect((await world.catalogue()).rows).toMatchObject([{ name: 'hello.txt', size: 6 }]);
    }
    await world.sim.advance(30_000);
    expect(registrations()).toBe(4);
  });

  it('registers again when it was declared dead', async () => {
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(50);
    const monitor = await RawPeer.connect(net(), INDEX);
    monitor.send('SERVER_DOWN CS1 1\n');
    await world.sim.settle();
    expect(world.statusOf('CS1')).toBe('dead');
    await world.sim.advance(3100);
    expect(world.statusOf('CS1')).toBe('alive');
  });

  it('asks for no new clients when it drains and when it stops', async () => {
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.content(2, { monitor: null });
    await world.sim.advance(50);
    await world.programs.get('CS1')?.drain();
    expect(world.statusOf('CS1')).toBe('draining');
    await world.stop('CS2');
    expect(world.statusOf('CS2')).toBe('draining');
    await world.sim.advance(5000);
    expect(world.statusOf('CS1')).toBe('draining');
  });

  it('stops in time also when the index hangs', async () => {
    const hung = await ForeignServer.byLine(net(), INDEX, (line) => {
      if (line.startsWith('HELLO')) return 'WELCOME MICRO-CDN delta\n';
      if (line.startsWith('REGISTER')) return 'OK REGISTERED\n';
      return line === 'DONE_FILES' ? 'OK FILES_ADDED\n' : '';
    });
    await world.content(1, { monitor: null });
    await world.sim.advance(6000);
    expect(hung.received).toContain('STATUS CS1');
    const stopped = world.programs.get('CS1')?.stop();
    await world.sim.advance(300);
    await stopped;
  });
});

describe('towards an index of somebody else', () => {
  it('speaks the seed protocol and nothing else, but for one HELLO', async () => {
    world.put(1, 'a.txt', '1');
    world.put(1, 'b.txt', '22');
    const index = await new SeedIndex().listen();
    await world.content(1, { monitor: null });
    await world.sim.advance(100);
    expect(index.received).toEqual([
      'HELLO delta digests',
      'REGISTER CS1 7001 7002',
      'ADD_FILE CS1 a.txt 1',
      'ADD_FILE CS1 b.txt 2',
      'DONE_FILES',
      'HELLO',
      'GET b.txt',
    ]);
    expect(snapshot().index).toBe('registered');
  });

  it('sends not even that when told to speak the seed protocol', async () => {
    world.put(1, 'a.txt', '1');
    for (const config of [{ strict: true }, { indexDialect: 'seed' as const }]) {
      const index = await new SeedIndex().listen();
      await world.content(1, { monitor: null, ...config });
      await world.sim.advance(100);
      expect(index.received).toEqual(['REGISTER CS1 7001 7002', 'ADD_FILE CS1 a.txt 1', 'DONE_FILES']);
      world.crash('CS1');
      world.crash('foreign');
      await world.sim.settle();
    }
  });

  it('waits for OK REGISTERED before the first file', async () => {
    world.put(1, 'a.txt', '1');
    const slow = await ForeignServer.byLine(net(), INDEX, (line, peer) => {
      if (line.startsWith('REGISTER')) world.sim.clock.after(2000, () => peer.send('OK REGISTERED\n'));
      return line === 'DONE_FILES' ? 'OK FILES_ADDED\n' : line === 'HELLO' ? 'WELCOME MICRO-CDN\n' : '';
    });
    await world.content(1, { monitor: null, indexDialect: 'seed' });
    await world.sim.advance(1900);
    expect(slow.received).toEqual(['REGISTER CS1 7001 7002']);
    await world.sim.advance(200);
    expect(slow.received).toContain('DONE_FILES');
  });

  it('percent-encodes names with spaces, and shows which', async () => {
    world.put(1, 'my file.txt', '1');
    world.put(1, 'größe.txt', '1');
    world.put(1, 'a b', '1');
    world.put(1, 'a%20b', '22');
    const index = await new SeedIndex().listen();
    await world.content(1, { monitor: null });
    await world.sim.advance(100);
    expect([...index.files.keys()].sort()).toEqual(['a%20b', 'größe.txt', 'my%20file.txt']);
    expect(index.files.get('a%20b')?.size).toBe('2');
    expect(snapshot().heldBack).toEqual([
      { name: 'a b', reason: expect.stringContaining('Not announced') },
      { name: 'my file.txt', reason: expect.stringContaining('Announced as my%20file.txt') },
    ]);
  });

  it('changes to one line at a time for an index that loses lines that came together', async () => {
    for (const name of ['a', 'b', 'c']) world.put(1, name, '1');
    const known = new Set<string>();
    const received: string[] = [];
    // One receive is one command; whatever came behind it is lost.
    await ForeignServer.listen(net(), INDEX, (peer) => {
      peer.onData = (text) => {
        const line = text.split('\n')[0] as string;
        received.push(text);
        const words = line.split(' ');
        if (words[0] === 'REGISTER') peer.send('OK REGISTERED\n');
        else if (words[0] === 'ADD_FILE') known.add(words[2] as string);
        else if (words[0] === 'DONE_FILES') peer.send('OK FILES_ADDED\n');
        else if (words[0] === 'HELLO') peer.send('WELCOME MICRO-CDN\n');
        else if (words[0] === 'GET')
          peer.send(known.has(words[1] as string) ? `SERVER h 1 CS1 1\n` : 'ERROR FILE_NOT_FOUND\n');
      };
    });
    await world.content(1, { monitor: null });
    await world.sim.advance(5000);
    expect(known).toEqual(new Set(['a', 'b', 'c']));
    expect(snapshot().index).toBe('registered');
    expect(received.filter((text) => text === 'ADD_FILE CS1 b 1\n')).toHaveLength(1);
  });

  it('paces when told to, 80 to 100 ms apart', async () => {
    for (const name of ['a', 'b', 'c']) world.put(1, name, '1');
    const at: number[] = [];
    await ForeignServer.byLine(net(), INDEX, (line) => {
      if (line.startsWith('REGISTER')) return 'OK REGISTERED\n';
      at.push(world.sim.clock.now());
      return line === 'DONE_FILES' ? 'OK FILES_ADDED\n' : '';
    });
    await world.content(1, { monitor: null, indexDialect: 'paced' });
    await world.sim.advance(1000);
    expect(at.slice(0, 4).map((time, i) => time - (at[i - 1] ?? time))).toEqual([0, 90, 90, 90]);
  });

  it('encodes all but ASCII for an index that breaks on the rest', async () => {
    world.put(1, 'größe.txt', '1');
    world.put(1, 'plain.txt', '1');
    const files: string[] = [];
    await ForeignServer.byLine(net(), INDEX, (line) => {
      if (/[^ -~]/.test(line)) return null;
      if (line.startsWith('ADD_FILE')) files.push(line);
      if (line === 'DONE_FILES') return 'OK FILES_ADDED\n';
      if (line.startsWith('GET')) return 'SERVER h 1 CS1 1\n';
      return line.startsWith('REGISTER')
        ? 'OK REGISTERED\n'
        : line.startsWith('HELLO')
          ? 'WELCOME MICRO-CDN\n'
          : '';
    });
    await world.content(1, { monitor: null });
    await world.sim.advance(3000);
    expect(snapshot().index).toBe('registered');
    expect(files).toContain('ADD_FILE CS1 gr%C3%B6%C3%9Fe.txt 1');
    expect(snapshot().heldBack).toHaveLength(1);
  });

  it('announces changes by a whole registration', async () => {
    world.put(1, 'a.txt', '1');
    const index = await new SeedIndex().listen();
    await world.content(1, { monitor: null });
    await world.sim.advance(100);
    world.put(1, 'b.txt', '1');
    await world.sim.advance(100);
    expect(index.registrations).toBe(2);
    expect([...index.files.keys()]).toEqual(['a.txt', 'b.txt']);
  });

  it('registers again when the index was restarted between two looks', async () => {
    world.put(1, 'a.txt', '1');
    const index = await new SeedIndex().listen();
    await world.content(1, { monitor: null });
    await world.sim.advance(100);
    index.files.clear();
    await world.sim.advance(5500);
    expect(index.registrations).toBe(2);
    expect(index.files.size).toBe(1);
  });

  it('registers again now and then when the index never names it, ever less often', async () => {
    world.put(1, 'a.txt', '1');
    let registrations = 0;
    await ForeignServer.byLine(net(), INDEX, (line) => {
      if (line.startsWith('REGISTER')) registrations++;
      if (line.startsWith('REGISTER')) return 'OK REGISTERED\n';
      if (line === 'DONE_FILES') return 'OK FILES_ADDED\n';
      if (line.startsWith('GET')) return 'SERVER 127.0.0.1 7101 CS2 1\n';
      return line === 'HELLO' ? 'WELCOME MICRO-CDN\n' : '';
    });
    await world.content(1, { monitor: null, indexDialect: 'seed' });
    await world.sim.advance(600_000);
    expect(registrations).toBeGreaterThan(3);
    expect(registrations).toBeLessThan(12);
  });

  it('registers again after it stood still itself, since it may have been declared dead', async () => {
    world.put(1, 'a.txt', '1');
    const index = await new SeedIndex().listen();
    await world.content(1);
    await world.sim.advance(3100);
    const before = index.registrations;
    const real = world.sim.clock.now.bind(world.sim.clock);
    world.sim.clock.now = () => real() + 9000;
    await world.sim.advance(3000);
    expect(index.registrations).toBe(before + 1);
  });

  it('shows a refusal, and goes on trying', async () => {
    let open = false;
    await ForeignServer.byLine(net(), INDEX, (line) => {
      if (line.startsWith('REGISTER')) return open ? 'OK REGISTERED\n' : 'ERROR FULL\n';
      return line === 'DONE_FILES' ? 'OK FILES_ADDED\n' : '';
    });
    await world.content(1, { monitor: null, indexDialect: 'seed' });
    await world.sim.advance(1000);
    expect(snapshot()).toMatchObject({
      index: 'refused',
      indexDetail: expect.stringContaining('ERROR FULL'),
    });
    open = true;
    await world.sim.advance(2500);
    expect(snapshot().index).toBe('registered');
  });

  it('waits no longer than it should for an index that is silent', async () => {
    await ForeignServer.byLine(net(), INDEX, () => '');
    await world.content(1, { monitor: null, indexDialect: 'seed' });
    await world.sim.advance(5100);
    expect(snapshot()).toMatchObject({ index: 'refused', indexDetail: 'It does not answer REGISTER.' });
  });

  it('waits no longer for one that chatters and never answers', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => '');
    const chatter = world.sim.clock.every(1000, () => index.peers.at(-1)?.send('PATIENCE\n'));
    await world.content(1, { monitor: null });
    await world.sim.advance(20_000);
    chatter.cancel();
    expect(world.events('CS1', 'index-lost')[0]).toContain('It does not answer REGISTER.');
  });

  it('stays registered at one that says more than it is asked', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, (line) => {
      if (line.startsWith('HELLO')) return 'WELCOME MICRO-CDN\nREADY WHEN YOU ARE\n';
      if (line.startsWith('REGISTER')) return 'OK REGISTERED\n';
      if (line === 'DONE_FILES') return 'OK FILES_ADDED\n';
      return line.startsWith('GET') ? `SERVER ${HOST} 7001 CS1 1\n` : '';
    });
    world.put(1, 'a', 'x');
    await world.content(1, { monitor: null });
    await world.sim.advance(12_000);
    expect(snapshot().index).toBe('registered');
    expect(index.received.filter((line) => line.startsWith('REGISTER'))).toHaveLength(1);
  });

  it('stops its heartbeats when it drains, so that the monitor takes it off', async () => {
    await new SeedIndex().listen();
    let heartbeats = 0;
    await net('monitor').bind(MONITOR_UDP, () => {
      heartbeats++;
    });
    await world.content(1);
    await world.sim.advance(3100);
    expect(heartbeats).toBe(2);
    await world.programs.get('CS1')?.drain();
    await world.sim.advance(20_000);
    expect(heartbeats).toBe(2);
  });
});

describe('heartbeats', () => {
  const received: string[] = [];
  const listen = () =>
    net('monitor').bind(MONITOR_UDP, (bytes) => {
      received.push(Buffer.from(bytes).toString());
    });
  beforeEach(() => {
    received.length = 0;
  });

  it('come at once and every 3 s, with load and number of files', async () => {
    await listen();
    world.put(1, 'large.bin', Buffer.alloc(3_000_000));
    await world.content(1, { index: null });
    expect(received).toEqual(['HEARTBEAT CS1 127.0.0.1 7001 0 1\n']);
    const client = new RawPeer(await net().connect({ host: HOST, port: 7001 }), { read: false });
    client.send('GET large.bin\n');
    world.put(1, 'two', 'x');
    await world.sim.advance(3000);
    expect(received[1]).toBe('HEARTBEAT CS1 127.0.0.1 7001 1 2\n');
    client.connection.reset();
    await world.sim.advance(3000);
    expect(received[2]).toBe('HEARTBEAT CS1 127.0.0.1 7001 0 2\n');
    expect(snapshot()).toMatchObject({ monitor: 'sending', heartbeats: 3 });
  });

  it('carry the advertised address', async () => {
    await listen();
    await world.content(1, { index: null, advertisedHost: 'cdn.example' });
    expect(received).toEqual(['HEARTBEAT CS1 cdn.example 7001 0 0\n']);
  });

  it('come before the registration, so that a new server is never called dead', async () => {
    const order: string[] = [];
    await net('monitor').bind(MONITOR_UDP, () => {
      order.push('heartbeat');
    });
    await ForeignServer.byLine(net(), INDEX, (line) => {
      order.push(line.split(' ')[0] as string);
      return '';
    });
    await world.content(1);
    expect(order.slice(0, 2)).toEqual(['heartbeat', 'HELLO']);
  });
});
