import { describe, expect, it } from 'vitest';
import { ForeignConnection, P2pWorld } from '../p2p/testing/p2p-world';

describe('an index, towards peers of the seed', () => {
  it('answers every command as the seed does', async () => {
    const world = new P2pWorld();
    await world.index();
    const a = await ForeignConnection.to(world, 9000);
    const b = await ForeignConnection.to(world, 9000);
    expect(await a.say('register 9001')).toBe('SEND FILES');
    expect(await a.say('a.txt shared.txt')).toBe('');
    expect(await b.say('register 9002')).toBe('SEND FILES');
    expect(await b.say('b.txt shared.txt')).toBe('');
    expect(await a.say('get_files_list')).toBe('\nFiles hosted: \n \nb.txt\nshared.txt');
    const { port } = b.connection.local;
    expect(await a.say('download b.txt')).toBe(`["('127.0.0.1', ${port})", '9002']`);
    expect(await a.say('download nothing')).toBe('No Registered Nodes host that file');
    expect(await b.say('update')).toBe('SEND FILES');
    expect(await b.say('b.txt c.txt')).toBe('');
    expect(await a.say('get_files_list')).toBe('\nFiles hosted: \n \nb.txt\nc.txt');
    expect(await b.say('delete c.txt')).toBe('SEND FILES');
    expect(await b.say('b.txt')).toBe('');
    expect(await a.say('get_files_list')).toBe('\nFiles hosted: \n \nb.txt');
    expect(await b.say('unregister')).toBe('');
    expect(await a.say('get_files_list')).toBe('\nFiles hosted: \n \n');
    await world.stop();
  });

  it('says nothing to what is no command, and goes on', async () => {
    const world = new P2pWorld();
    await world.index();
    const peer = await ForeignConnection.to(world, 9000);
    for (const nonsense of ['', ' ', 'hello', 'register', 'register x', 'download', '\u0000\u0001'])
      expect(await peer.say(nonsense)).toBe('');
    expect(await peer.say('register 9001')).toBe('SEND FILES');
    expect(peer.closed).toBe(false);
    await world.stop();
  });

  it('names several holders, joined by a space', async () => {
    const world = new P2pWorld();
    await world.index();
    const peers = [];
    for (const port of [9001, 9002]) {
      const peer = await ForeignConnection.to(world, 9000);
      await peer.say(`register ${port}`);
      await peer.say('x.bin');
      peers.push(peer);
    }
    const asker = await ForeignConnection.to(world, 9000);
    expect(await asker.say('download x.bin')).toMatch(
      /^\["\('127\.0\.0\.1', \d+\)", '9001'\] \["\('127\.0\.0\.1', \d+\)", '9002'\]$/,
    );
    await world.stop();
  });

  it('takes a list of many receives, and an empty folder', async () => {
    const world = new P2pWorld();
    world.sim.network.segmentSize = 1024;
    await world.index();
    const peer = await ForeignConnection.to(world, 9000);
    await peer.say('register 9001');
    const names = Array.from({ length: 400 }, (_, at) => `file-${String(at).padStart(4, '0')}.bin`);
    await peer.say(names.join(' '));
    const asker = await ForeignConnection.to(world, 9000);
    expect(await asker.say('get_files_list')).toBe(`\nFiles hosted: \n \n${names.join('\n')}`);
    // An empty folder sends nothing; the next command must not be taken for the list.
    expect(await peer.say('update')).toBe('SEND FILES');
    expect(await peer.say('get_files_list')).toBe('\nFiles hosted: \n \n');
    expect(await asker.say('get_files_list')).toBe('\nFiles hosted: \n \n');
    await world.stop();
  });

  it('forgets a peer that ends by reset, and one that registers again under the same port', async () => {
    const world = new P2pWorld();
    await world.index();
    const asker = await ForeignConnection.to(world, 9000);
    const peer = await ForeignConnection.to(world, 9000);
    await peer.say('register 9001');
    await peer.say('old.txt');
    const again = await ForeignConnection.to(world, 9000);
    await again.say('register 9001');
    await again.say('new.txt');
    expect(await asker.say('get_files_list')).toBe('\nFiles hosted: \n \nnew.txt');
    expect(peer.closed).toBe(true);
    again.connection.reset();
    await world.sim.advance(10);
    expect(await asker.say('get_files_list')).toBe('\nFiles hosted: \n \n');
    await world.stop();
  });

  it('keeps a registered peer that is silent for hours, and not one that never registers', async () => {
    const world = new P2pWorld();
    await world.index();
    const registered = await ForeignConnection.to(world, 9000);
    await registered.say('register 9001');
    await registered.say('a.txt');
    const silent = await ForeignConnection.to(world, 9000);
    await world.sim.advance(3 * 3_600_000);
    expect(registered.closed).toBe(false);
    expect(silent.closed).toBe(true);
    await world.stop();
  });

  it('cuts off who asks for the list on and on and reads nothing, and nobody else', async () => {
    const world = new P2pWorld();
    await world.index();
    const peer = await ForeignConnection.to(world, 9000);
    await peer.say('register 9001');
    const names = Array.from({ length: 12_000 }, (_, at) => `${at}${'x'.repeat(240)}`);
    await peer.say(names.join(' '));
    const greedy = await ForeignConnection.to(world, 9000);
    greedy.connection.pause();
    const patient = await ForeignConnection.to(world, 9000);
    patient.connection.pause();
    for (let asked = 0; asked < 20; asked++) greedy.connection.write('get_files_list');
    patient.connection.write('get_files_list');
    await world.sim.advance(500);
    expect(greedy.closed).toBe(true);
    patient.connection.resume();
    await world.sim.advance(500);
    expect(patient.text.split('\n').filter((line) => line.endsWith('x'))).toHaveLength(names.length);
    await world.stop();
  });

  it('refuses them with a clear text when login is required', async () => {
    const world = new P2pWorld();
    await world.index({ login: true, accounts: 'alice:secret' });
    const peer = await ForeignConnection.to(world, 9000);
    for (const command of ['register 9001', 'get_files_list', 'download a.txt'])
      expect(await peer.say(command)).toContain('Login required');
    expect(world.indexSnapshot().files).toBe(0);
    await world.stop();
  });

  it('leaves nothing behind when it stops', async () => {
    const world = new P2pWorld();
    await world.index();
    const peer = await ForeignConnection.to(world, 9000);
    await peer.say('register 9001');
    expect(await world.stop()).toEqual({ timers: 0, listeners: 0, sockets: 0 });
    expect(peer.closed).toBe(true);
  });
});

describe('accounts', () => {
  it('are kept salted, over a restart', async () => {
    const world = new P2pWorld();
    const index = await world.index({ login: true });
    const setAccount = index.operations?.setAccount as ((input: unknown) => Promise<void>) | undefined;
    await setAccount?.({ user: 'bob', password: 'hunter22' });
    await world.stop();
    const folder = world.sim.files.at('/index');
    expect(Buffer.from(folder.bytesOf('.p2p-accounts.json') ?? []).toString()).not.toContain('hunter22');
    await world.index({ login: true });
    expect(world.indexSnapshot().accounts).toEqual(['bob']);
    await world.peer(1, { user: 'bob', password: 'hunter22' });
    expect(world.snapshot(1).index).toBe('registered');
    await world.stop();
  });
});
