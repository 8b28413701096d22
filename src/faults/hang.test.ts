import { describe, expect, it } from 'vitest';
import type { Connection, Endpoint } from '../runtime/context';
import { connected, hear, memoryWorld, worlds } from './testing/worlds';

const anyPort: Endpoint = { host: '127.0.0.1', port: 0 };

describe.each(worlds)('hang, %s', (_name, make) => {
  it('holds what arrives and what is sent, and loses nothing of either', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'neighbour');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    far.write('before ');
    near.write('before ');
    await world.until(() => atNode.text === 'before ' && atNeighbour.text === 'before ');

    world.setFaults({ kind: 'hang' });
    far.write('during');
    near.write('during');
    far.end();
    await world.pass(50);
    expect(atNode.text).toBe('before ');
    expect(atNeighbour.text).toBe('before ');
    expect(atNode.ended).toBe(false);

    world.setFaults();
    await world.until(() => atNode.ended && atNeighbour.text === 'before during');
    expect(atNode.text).toBe('before during');
    near.write(' after');
    await world.until(() => atNeighbour.text === 'before during after');
    await close();
  });

  it('makes a sender wait, and lets it go on', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'neighbour');
    hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'hang' });
    let sent = false;
    const sending = near.send('x').then(() => {
      sent = true;
    });
    await world.pass(20);
    expect(sent).toBe(false);
    world.setFaults();
    await sending;
    await world.until(() => atNeighbour.text === 'x');
    await close();
  });

  it('ends no operation, not even one that fails', async () => {
    const world = make();
    const listener = await world.neighbour.net.listen(anyPort, () => {});
    await listener.close();
    const folder = await world.node.files.folder('/files');
    const failed: string[] = [];
    const note = (error: { code: string }): void => void failed.push(error.code);
    world.setFaults({ kind: 'latency', scope: { transport: 'udp' } });
    const operations = [
      world.node.net.connect(listener.local).catch(note),
      folder.open('missing').catch(note),
    ];
    world.setFaults({ kind: 'hang' });
    await world.pass(50);
    const whileHung = [...failed];
    world.setFaults();
    await Promise.all(operations);
    expect(whileHung).toEqual([]);
    expect(failed.sort()).toEqual(['ECONNREFUSED', 'ENOENT']);
  });

  it('keeps listening: connections are taken by the system and answered when it is healed', async () => {
    const world = make();
    const accepted: Connection[] = [];
    const listener = await world.node.net.listen(anyPort, (connection) => accepted.push(connection));
    world.setFaults({ kind: 'hang' });
    const dialled = await world.neighbour.net.connect(listener.local);
    dialled.write('hello');
    hear(dialled);
    await world.pass(20);
    expect(accepted).toHaveLength(0);
    world.setFaults();
    await world.until(() => accepted.length === 1);
    const heard = hear(accepted[0] as Connection);
    await world.until(() => heard.text === 'hello');
    dialled.destroy();
    await listener.close();
  });

  it('stops timers, and fires each that was due once, in order', async () => {
    const world = make();
    const fired: string[] = [];
    world.node.clock.after(20, () => fired.push('twenty'));
    world.node.clock.after(10, () => fired.push('ten'));
    const beat = world.node.clock.every(15, () => fired.push('beat'));
    world.setFaults({ kind: 'hang' });
    await world.pass(60);
    expect(fired).toEqual([]);
    world.setFaults();
    expect(fired).toEqual(['ten', 'beat', 'twenty']);
    await world.until(() => fired.filter((what) => what === 'beat').length === 3);
    beat.cancel();
  });

  it('keeps datagrams as the kernel does, up to the size of its buffer', async () => {
    const world = make();
    const heard: string[] = [];
    const socket = await world.node.net.bind(anyPort, (bytes) => heard.push(Buffer.from(bytes).toString()));
    const sender = await world.neighbour.net.bind(anyPort, () => {});
    world.setFaults({ kind: 'hang' });
    sender.send('one', socket.local);
    sender.send('two', socket.local);
    await world.pass(20);
    expect(heard).toEqual([]);
    world.setFaults();
    expect(heard).toEqual(['one', 'two']);
    sender.send('three', socket.local);
    await world.until(() => heard.length === 3);
    await socket.close();
    await sender.close();
  });

  it('holds the outcome of what was begun: a dial, a read', async () => {
    const world = make();
    const listener = await world.neighbour.net.listen(anyPort, (connection) =>
      connection.handle({ data() {} }),
    );
    const folder = await world.node.files.folder('/files');
    world.setFaults({ kind: 'hang' });
    const done: string[] = [];
    const dial = world.node.net.connect(listener.local, { timeoutMs: 10 }).then((connection) => {
      done.push('dialled');
      connection.destroy();
    });
    const list = folder.list().then(() => done.push('listed'));
    await world.pass(40);
    expect(done).toEqual([]);
    world.setFaults();
    await Promise.all([dial, list]);
    expect(done.sort()).toEqual(['dialled', 'listed']);
    await listener.close();
  });
});

it('a folder that is watched no longer tells nothing of what changed while its node hung', async () => {
  const world = memoryWorld();
  const folder = await world.node.files.folder('/files');
  let changes = 0;
  const watch = folder.watch(() => changes++);
  world.setFaults({ kind: 'hang' });
  const file = await (await world.neighbour.files.folder('/files')).create('a');
  await file.close();
  await world.pass(5000);
  world.setFaults();
  watch.cancel();
  await world.pass(5000);
  expect(changes).toBe(0);
});
