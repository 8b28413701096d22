import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX, MONITOR_TCP, World } from '../shared/testing/micro-cdn-world';
import { ForeignServer, RawPeer } from '../shared/testing/raw-peer';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const peer = () => RawPeer.connect(world.sim.network.host('peer'), INDEX);

/** A peer that has sent this, and everything that came of it. */
async function said(text: string): Promise<RawPeer> {
  const connected = await peer();
  connected.send(text);
  await world.sim.settle();
  return connected;
}

const registration = 'REGISTER CS1 7001 7002\nADD_FILE CS1 hello.txt 14\nDONE_FILES\n';

describe('the seed protocol', () => {
  it('registers, greets, and answers where a file is', async () => {
    await world.index({ monitor: null, strict: true });
    const content = await said('REGISTER CS1 7001 7002\n');
    expect(content.text).toBe('OK REGISTERED\n');
    content.clear().send('ADD_FILE CS1 hello.txt 14\nADD_FILE CS1 empty 0\n');
    await world.sim.settle();
    expect(content.text).toBe('');
    content.send('DONE_FILES\n');
    await world.sim.settle();
    expect(content.text).toBe('OK FILES_ADDED\n');

    const client = await said('HELLO\n');
    expect(client.text).toBe('WELCOME MICRO-CDN\n');
    client.clear().send('GET hello.txt\n');
    await world.sim.settle();
    expect(client.text).toBe('SERVER 127.0.0.1 7001 CS1 14\n');
    client.clear().send('GET nothing.txt\n');
    await world.sim.settle();
    expect(client.text).toBe('ERROR FILE_NOT_FOUND\n');
    expect(client.ended).toBe(false);
  });

  it('hands out the address that the registration came from', async () => {
    await world.index({ monitor: null });
    const net = world.sim.network.host('peer');
    const content = new RawPeer(await net.connect(INDEX, { localHost: '127.0.0.2' }));
    content.send(registration);
    await world.sim.settle();
    expect((await said('HELLO\nGET hello.txt\n')).lines[1]).toBe('SERVER 127.0.0.2 7001 CS1 14');
  });

  it('stops routing on SERVER_DOWN and routes again after REGISTER', async () => {
    await world.index({ monitor: null });
    await said(registration);
    expect((await said('SERVER_DOWN CS1 1700000000\n')).text).toBe('OK SERVER_MARKED_DEAD\n');
    expect((await said('GET hello.txt\n')).text).toBe('ERROR FILE_NOT_FOUND\n');
    await said('REGISTER CS1 7001 7002\n');
    expect((await said('GET hello.txt\n')).text).toBe('SERVER 127.0.0.1 7001 CS1 14\n');
  });

  it('takes a repeated registration for the whole list: what is not in it is gone, and there is no gap', async () => {
    await world.index({ monitor: null });
    await said('REGISTER CS1 7001 7002\nADD_FILE CS1 old 1\nADD_FILE CS1 both 1\nDONE_FILES\n');
    const again = await said('REGISTER CS1 7003 7004\nADD_FILE CS1 both 2\nADD_FILE CS1 new 3\n');
    expect((await said('GET old\n')).text).toBe('SERVER 127.0.0.1 7003 CS1 1\n');
    again.send('DONE_FILES\n');
    await world.sim.settle();
    expect((await said('GET old\nGET both\nGET new\n')).lines).toEqual([
      'ERROR FILE_NOT_FOUND',
      'SERVER 127.0.0.1 7003 CS1 2',
      'SERVER 127.0.0.1 7003 CS1 3',
    ]);
  });

  it.each([
    ['NONSENSE', 'ERROR UNKNOWN_COMMAND'],
    ['', 'ERROR UNKNOWN_COMMAND'],
    ['REGISTER CS1', 'ERROR MALFORMED_COMMAND'],
    ['GET', 'ERROR MALFORMED_COMMAND'],
    ['GET hello.txt', 'ERROR HELLO_EXPECTED'],
    ['LIST_FILES', 'ERROR UNKNOWN_COMMAND'],
    ['HELLO delta', 'ERROR MALFORMED_COMMAND'],
    ['UPDATE CS1', 'ERROR UNKNOWN_COMMAND'],
    ['HELLO\r', 'ERROR UNKNOWN_COMMAND'],
    ['ADD_FILE CS1 a 1', 'ERROR NOT_REGISTERED'],
    ['DONE_FILES', 'ERROR NOT_REGISTERED'],
    ['SERVER_DOWN CS1', 'ERROR MALFORMED_COMMAND'],
  ])('when strict, answers %j with %j and closes', async (line, answer) => {
    await world.index({ monitor: null, strict: true });
    const refused = await said(`${line}\nHELLO\n`);
    expect(refused.text).toBe(`${answer}\n`);
    expect(refused.ended).toBe(true);
  });

  it('when strict, refuses a name that cannot be a file', async () => {
    await world.index({ monitor: null, strict: true });
    expect((await said('REGISTER CS1 7001 7002\nADD_FILE CS1 ../x 1\n')).lines.at(-1)).toBe(
      'ERROR BAD_FILE_NAME',
    );
  });
});

describe('tolerances', () => {
  beforeEach(() => world.index({ monitor: null }));

  it('takes lines byte by byte', async () => {
    await said(registration);
    world.sim.network.segmentSize = 1;
    expect((await said('HELLO\r\nGET hello.txt\r\n')).lines).toEqual([
      'WELCOME MICRO-CDN',
      'SERVER 127.0.0.1 7001 CS1 14',
    ]);
  });

  it('takes many commands in one segment, and answers in one segment', async () => {
    await said(registration);
    const client = await said('HELLO\nGET hello.txt\nGET x\nPING\n');
    expect(client.lines).toHaveLength(4);
    expect(client.chunks).toHaveLength(1);
  });

  it('takes GET without HELLO, several on one connection, and keeps the connection a while', async () => {
    await said(registration);
    const client = await said('GET hello.txt\n');
    await world.sim.advance(1900);
    client.send('GET hello.txt\n');
    await world.sim.advance(1900);
    expect(client.lines).toHaveLength(2);
    expect(client.ended).toBe(false);
    await world.sim.advance(200);
    expect(client.ended).toBe(true);
  });

  it('takes SERVER_DOWN with two words or three', async () => {
    await said(registration);
    expect((await said('SERVER_DOWN CS1\n')).text).toBe('OK SERVER_MARKED_DEAD\n');
    expect((await said('SERVER_DOWN unheard-of 1.5\n')).text).toBe('OK SERVER_MARKED_DEAD\n');
    expect(world.statusOf('CS1')).toBe('dead');
  });

  it('answers the extras of other clients', async () => {
    await said(registration);
    await said('REGISTER CS2 7101 7102\nADD_FILE CS2 a b.txt 2\nDONE_FILES\n');
    await said('SERVER_DOWN CS2 1\n');
    expect((await said('LIST_FILES\n')).lines).toEqual(['FILE hello.txt 14', 'FILE a b.txt 2', 'END']);
    expect((await said('LIST_SERVERS\n')).lines).toEqual(['SERVER CS1 127.0.0.1 7001', 'END']);
    expect((await said('PING\n')).text).toBe('PONG\n');
  });

  it('answers a client that half-closes, also in the middle of its line', async () => {
    await said(registration);
    const client = await peer();
    client.connection.end('GET hello.txt');
    await world.sim.settle();
    expect(client.text).toBe('SERVER 127.0.0.1 7001 CS1 14\n');
    expect(client.closed).toBe(true);
  });

  it('takes names with spaces and beyond ASCII', async () => {
    await said('REGISTER CS1 7001 7002\nADD_FILE CS1 my  größe 文.txt 5\nDONE_FILES\n');
    expect((await said('GET my  größe 文.txt\n')).text).toBe('SERVER 127.0.0.1 7001 CS1 5\n');
  });

  it('leaves out a name that cannot be a file, and keeps the rest of the registration', async () => {
    const content = await said(
      'REGISTER CS1 7001 7002\nADD_FILE CS1 ../../x 1\nADD_FILE CS1 ok 1\nDONE_FILES\n',
    );
    expect(content.lines).toEqual(['OK REGISTERED', 'OK FILES_ADDED']);
    expect((await said('LIST_FILES\n')).lines).toEqual(['FILE ok 1', 'END']);
  });

  it('takes ADD_FILE of a known server on another connection, as an addition', async () => {
    await said(registration);
    expect((await said('ADD_FILE CS1 more.txt 3\nDONE_FILES\n')).text).toBe('OK FILES_ADDED\n');
    expect((await said('LIST_FILES\n')).lines).toEqual(['FILE hello.txt 14', 'FILE more.txt 3', 'END']);
    expect((await said('ADD_FILE CS9 x 3\n')).text).toBe('ERROR NOT_REGISTERED\n');
  });
});

describe('peers that misbehave', () => {
  it('do not keep others out by ten thousand connections that say nothing', async () => {
    const content = await said('REGISTER CS1 7001 7002\n');
    const greeted = await said('HELLO\n');
    const silent = await Promise.all(Array.from({ length: 9999 }, () => peer()));
    expect((await said('PING\n')).text).toBe('PONG\n');
    expect([content, greeted, ...silent].flatMap(({ closed }, at) => (closed ? [at] : []))).toEqual([1, 2]);
  });

  beforeEach(() => world.index({ monitor: null }));

  it('closes one that sends nothing', async () => {
    const silent = await peer();
    await world.sim.advance(10_100);
    expect(silent.ended).toBe(true);
    await world.sim.advance(2100);
    expect(silent.closed).toBe(true);
  });

  it('tells one with an endless line why, and closes', async () => {
    const endless = await said('x'.repeat(5000));
    expect(endless.text).toBe('ERROR LINE_TOO_LONG\n');
    expect(endless.ended).toBe(true);
    endless.send('y'.repeat(2 << 20));
    await world.sim.settle();
    expect(endless.closed).toBe(true);
  });

  it('survives noise, and one that resets in the middle', async () => {
    await said(registration);
    await said(Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256)).toString('latin1'));
    const rude = await peer();
    rude.send('REGISTER CS2 7101 7102\nADD_FILE CS2 half');
    rude.connection.reset();
    await world.sim.settle();
    expect((await said('GET hello.txt\n')).text).toBe('SERVER 127.0.0.1 7001 CS1 14\n');
  });

  it('does not pile up answers for one that asks and never reads', async () => {
    const names = Array.from({ length: 20_000 }, (_, at) => `ADD_FILE CS1 file-${at} 1\n`).join('');
    await said(`REGISTER CS1 7001 7002\n${names}DONE_FILES\n`);
    const net = world.sim.network.host('peer');
    const deaf = new RawPeer(await net.connect(INDEX), { read: false });
    for (let round = 0; round < 50; round++) deaf.send('LIST_FILES\n');
    for (let round = 0; round < 5000; round++) deaf.send('GET file-1\n'.repeat(10));
    await world.sim.settle();
    expect(deaf.connection.pendingBytes).toBeGreaterThan(100_000);
    expect((await said('GET file-1\n')).text).toBe('SERVER 127.0.0.1 7001 CS1 1\n');
    deaf.connection.resume();
    await world.sim.settle();
    expect(deaf.lines.filter((line) => line === 'END')).toHaveLength(50);
    expect(deaf.lines.filter((line) => line.startsWith('SERVER '))).toHaveLength(50_000);
  });
});

describe('extensions', () => {
  beforeEach(() => world.index({ monitor: null }));

  it('takes a delta from a registered server', async () => {
    await said(registration);
    const content = await said(
      'UPDATE CS1\nADD_FILE CS1 new file 5\nADD_FILE CS1 hello.txt 15\nREMOVE_FILE CS1 gone\nDONE_FILES\n',
    );
    expect(content.lines).toEqual(['OK UPDATING', 'OK FILES_ADDED']);
    content.clear().send('UPDATE CS1\nREMOVE_FILE CS1 new file\nDONE_FILES\n');
    await world.sim.settle();
    expect((await said('LIST_FILES\n')).lines).toEqual(['FILE hello.txt 15', 'END']);
    expect(world.events('index', 'files-changed').at(-1)).toContain('1 change ');
  });

  it('refuses a delta from a server that it does not know or has for dead', async () => {
    expect((await said('UPDATE CS1\n')).text).toBe('ERROR NOT_REGISTERED\n');
    await said(registration);
    await said('SERVER_DOWN CS1\n');
    expect((await said('UPDATE CS1\n')).text).toBe('ERROR NOT_REGISTERED\n');
  });

  it('tells a server what it thinks of it', async () => {
    await said(registration);
    expect((await said('STATUS CS1\nSTATUS CS2\n')).lines).toEqual([
      'STATUS CS1 alive 1',
      'STATUS CS2 unknown 0',
    ]);
    await said('SERVER_DOWN CS1\n');
    expect((await said('STATUS CS1\n')).lines).toEqual(['STATUS CS1 dead 1']);
  });

  it('revives on SERVER_UP', async () => {
    await said(registration);
    await said('SERVER_DOWN CS1\n');
    expect((await said('SERVER_UP CS1 1700000000\n')).text).toBe('OK SERVER_MARKED_ALIVE\n');
    expect(world.statusOf('CS1')).toBe('alive');
    expect(world.events('index', 'server-up')).toHaveLength(1);
  });

  it('sends no new clients to a draining server, until it registers again', async () => {
    await said(registration);
    expect((await said('DRAIN CS1\n')).text).toBe('OK DRAINING\n');
    expect((await said('GET hello.txt\n')).text).toBe('ERROR FILE_NOT_FOUND\n');
    await said('SERVER_UP CS1 1\n');
    expect(world.statusOf('CS1')).toBe('draining');
    await said(registration);
    expect(world.statusOf('CS1')).toBe('alive');
  });

  it('shows features only to a client that has named them, and avoids what it asks to avoid', async () => {
    await said('REGISTER CS1 7001 7002\nFEATURES CS1 resume\nADD_FILE CS1 a 1\nDONE_FILES\n');
    await said('REGISTER CS2 7101 7102\nADD_FILE CS2 a 1\nDONE_FILES\n');
    const ours = await said('HELLO route teleport\nAVOID CS2\nGET a\n');
    expect(ours.lines).toEqual(['WELCOME MICRO-CDN route', 'SERVER 127.0.0.1 7001 CS1 1 resume']);
    ours.clear().send('AVOID CS1 CS2\nGET a\n');
    await world.sim.settle();
    expect(ours.text).toBe('ERROR FILE_NOT_FOUND\n');
    await said('DRAIN CS2\n');
    expect((await said('HELLO\nGET a\n')).lines[1]).toBe('SERVER 127.0.0.1 7001 CS1 1');
  });
});

describe('decisions', () => {
  it('can say why: candidates, scores, winner', async () => {
    await world.index({ monitor: null, policy: 'round-robin' });
    await said('REGISTER CS1 7001 7002\nADD_FILE CS1 a 1\nDONE_FILES\n');
    await said('REGISTER CS2 7101 7102\nADD_FILE CS2 a 1\nADD_FILE CS2 b 1\nDONE_FILES\n');
    await said('GET a\nGET a\nGET b\nGET c\n');
    const decisions = world.decisions();
    expect(decisions.map(({ fileName, winner }) => [fileName, winner])).toEqual([
      ['c', null],
      ['b', 'CS2'],
      ['a', 'CS2'],
      ['a', 'CS1'],
    ]);
    expect(decisions[3]).toMatchObject({
      policy: 'round-robin',
      candidates: [
        { serverId: 'CS1', address: '127.0.0.1:7001', score: 0 },
        { serverId: 'CS2', score: 1 },
      ],
      reason: 'It is the turn of CS1.',
    });
    expect(world.indexSnapshot().lastDecision?.fileName).toBe('c');
  });

  it('keeps the newest thousand', async () => {
    await world.index({ monitor: null });
    await said(registration);
    await said('GET hello.txt\n'.repeat(1500));
    const operate = world.programs.get('index')?.operations?.decisions as (input: object) => unknown[];
    expect(operate({ limit: 5000 })).toHaveLength(1000);
    expect(operate({ fileName: 'other' })).toHaveLength(0);
  });
});

describe('towards a monitor of somebody else', () => {
  const monitorSays = (answer: (line: string) => string | null | undefined) =>
    ForeignServer.byLine(world.sim.network.host('monitor'), MONITOR_TCP, (line) => answer(line));

  it('learns loads and deaths from LIST_SERVERS, in capitals too, and revives on alive', async () => {
    let status = 'ALIVE';
    let load = 3;
    const monitor = await monitorSays((line) =>
      line === 'LIST_SERVERS' ? `SERVER CS1 127.0.0.1 7001 ${load} ${status}\nEND\n` : null,
    );
    await world.index();
    await said(registration);
    await world.sim.advance(1100);
    expect(world.indexSnapshot()).toMatchObject({
      monitor: 'connected',
      servers: [{ load: 3, status: 'alive' }],
    });
    status = 'Dead';
    load = 0;
    await world.sim.advance(1100);
    expect(world.statusOf('CS1')).toBe('dead');
    status = 'alive';
    await world.sim.advance(1100);
    expect(world.statusOf('CS1')).toBe('alive');
    expect(
      monitor.received.filter((line) => line === 'REGISTER_INDEX 127.0.0.1 5050').length,
    ).toBeGreaterThan(0);
  });

  it('believes a registration that is newer than the verdict, until the monitor changes its mind', async () => {
    let status = 'dead';
    await monitorSays((line) =>
      line === 'LIST_SERVERS' ? `SERVER CS1 127.0.0.1 7001 0 ${status}\nEND\n` : '',
    );
    await world.index();
    await said(registration);
    await world.sim.advance(1100);
    expect(world.statusOf('CS1')).toBe('dead');
    await said(registration);
    await world.sim.advance(5000);
    expect(world.statusOf('CS1')).toBe('alive');
    status = 'alive';
    await world.sim.advance(1100);
    status = 'dead';
    await world.sim.advance(1100);
    expect(world.statusOf('CS1')).toBe('dead');
  });

  it('takes SERVER_DOWN that is pushed on the connection it keeps', async () => {
    const monitor = await monitorSays((line) => (line === 'LIST_SERVERS' ? 'END\n' : ''));
    await world.index();
    await said(registration);
    const kept = monitor.peers.find((candidate) => candidate.text.startsWith('REGISTER_INDEX'));
    kept?.send('SERVER_DOWN CS1 1700000000\n');
    await world.sim.settle();
    expect(world.statusOf('CS1')).toBe('dead');
  });

  it('keeps a silent connection for pushes where REGISTER_INDEX is refused', async () => {
    const monitor = await monitorSays((line) => (line === 'LIST_SERVERS' ? 'END\n' : null));
    await world.index();
    await said(registration);
    await world.sim.advance(1000);
    const silent = monitor.peers.find((candidate) => !candidate.closed && candidate.text === '');
    silent?.send('SERVER_DOWN CS1\n');
    await world.sim.settle();
    expect(world.statusOf('CS1')).toBe('dead');
  });

  it('introduces itself again to a monitor that was away', async () => {
    const answers = (line: string): string => (line === 'LIST_SERVERS' ? 'END\n' : 'OK INDEX_REGISTERED\n');
    for (let run = 0; run < 3; run++) {
      const monitor = await monitorSays(answers);
      if (run === 0) await world.index();
      await world.sim.advance(6000);
      expect(monitor.received).toContain('REGISTER_INDEX 127.0.0.1 5050');
      world.sim.crash('monitor');
      await world.sim.advance(run * 700 + 300);
    }
  });

  it('gives up that connection when the monitor serves one at a time and is blocked by it', async () => {
    let busy: RawPeer | undefined;
    let answered = 0;
    await ForeignServer.listen(world.sim.network.host('monitor'), MONITOR_TCP, (candidate) => {
      const serve = (): void => {
        if (busy && busy !== candidate && !busy.closed && !busy.ended) return;
        busy = candidate;
        if (!candidate.text.includes('LIST_SERVERS')) return;
        answered++;
        candidate.send('END\n').connection.end();
      };
      candidate.onData = serve;
    });
    await world.index();
    await world.sim.advance(10_000);
    expect(answered).toBeGreaterThan(3);
    expect(world.indexSnapshot().monitor).toBe('connected');
  });

  it('minds nothing: no monitor, one that never answers, one that talks nonsense', async () => {
    await world.index();
    await world.sim.advance(3000);
    expect(world.indexSnapshot().monitor).toBe('unreachable');
    await monitorSays((line) =>
      line === 'LIST_SERVERS' ? '\0\0 nonsense\nSERVER x\nSERVER_DOWN\nEND extra\n' : undefined,
    );
    await said(registration);
    await world.sim.advance(20_000);
    expect((await said('GET hello.txt\n')).text).toBe('SERVER 127.0.0.1 7001 CS1 14\n');
  });

  it('asks again though the list of one never ends', async () => {
    const monitor = await monitorSays(() => '');
    await world.index();
    const chatter = world.sim.clock.every(1000, () => {
      for (const peer of monitor.peers) if (!peer.closed) peer.send('SERVER CS1 127.0.0.1 7001 9 alive\n');
    });
    await world.sim.advance(30_000);
    chatter.cancel();
    expect(monitor.received.filter((line) => line === 'LIST_SERVERS').length).toBeGreaterThan(1);
    expect(world.indexSnapshot().monitor).toBe('connected');
  });

  it('takes the list of one that closes instead of saying END', async () => {
    await ForeignServer.byLine(world.sim.network.host('monitor'), MONITOR_TCP, (line, candidate) => {
      if (line !== 'LIST_SERVERS') return;
      candidate.connection.end('SERVER CS1 127.0.0.1 7001 9 dead\n');
      return;
    });
    await world.index();
    await said(registration);
    await world.sim.advance(1100);
    expect(world.indexSnapshot()).toMatchObject({
      monitor: 'connected',
      servers: [{ load: 9, status: 'dead' }],
    });
  });
});

describe('draining', () => {
  it('takes nobody new, ends the quiet, and lets a registration finish', async () => {
    await world.index({ monitor: null });
    const quiet = await said('HELLO\n');
    const busy = await said('REGISTER CS1 7001 7002\n');
    let drained = false;
    void world.programs
      .get('index')
      ?.drain()
      .then(() => {
        drained = true;
      });
    await world.sim.settle();
    expect(quiet.ended).toBe(true);
    quiet.connection.end();
    await expect(peer()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(drained).toBe(false);
    busy.send('ADD_FILE CS1 a 1\nDONE_FILES\n');
    await world.sim.settle();
    expect(busy.lines.at(-1)).toBe('OK FILES_ADDED');
    busy.connection.end();
    await world.sim.settle();
    expect(drained).toBe(true);
  });
});
