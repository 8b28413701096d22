import { describe, expect, it } from 'vitest';
import { connected, hear, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('partition, %s', (_name, make) => {
  it('cuts open connections in both directions; healed, they go on', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'partition' });
    near.write('there');
    far.write('back');
    await world.pass(20);
    expect([atNode.text, atNeighbour.text]).toEqual(['', '']);
    world.setFaults();
    await world.until(() => atNode.text === 'back' && atNeighbour.text === 'there');
    await close();
  });

  it('of some messages lets connections in, as it lets them out', async () => {
    const world = make();
    world.setFaults({ kind: 'partition', scope: { messages: ['HEARTBEAT'] } });
    for (const dialler of ['node', 'neighbour'] as const) {
      const { near, far, close } = await connected(world, dialler);
      const atNode = hear(near);
      hear(far);
      far.write('HELLO\n');
      far.write('HEARTBEAT\n');
      await world.until(() => atNode.text === 'HELLO\n');
      await close();
    }
  });

  it('lets connections time out, and those go through that waited when it is healed', async () => {
    const world = make();
    const { at, close } = await connected(world, 'node');
    world.setFaults({ kind: 'partition', scope: { endpoints: [at] } });
    let failed = '';
    void world.node.net.connect(at, { timeoutMs: 20 }).catch((error) => {
      failed = error.code;
    });
    await world.until(() => failed !== '');
    expect(failed).toBe('ETIMEDOUT');
    const waiting = world.node.net.connect(at, { timeoutMs: 60_000 });
    await world.pass(10);
    world.setFaults();
    (await waiting).destroy();
    await close();
  });

  it('gives up an attempt that the caller cancels', async () => {
    const world = make();
    const { at, close } = await connected(world, 'node');
    world.setFaults({ kind: 'partition' });
    const controller = new AbortController();
    const attempt = world.node.net.connect(at, { signal: controller.signal });
    controller.abort();
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
    await close();
  });

  it('holds connections that arrive', async () => {
    const world = make();
    world.setFaults({ kind: 'partition' });
    let taken = 0;
    const listener = await world.node.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
      taken++;
      hear(connection);
    });
    const dialled = await world.neighbour.net.connect(listener.local);
    await world.pass(10);
    expect(taken).toBe(0);
    world.setFaults();
    await world.until(() => taken === 1);
    dialled.destroy();
    await listener.close();
  });

  it('loses datagrams', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'partition', scope: { endpoints: [pair.far.local] } });
    pair.send('lost');
    pair.receive('lost too');
    await world.pass(10);
    world.setFaults();
    pair.send('there');
    pair.receive('back');
    await world.until(() => pair.atNeighbour.length > 0 && pair.atNode.length > 0);
    expect([pair.atNode, pair.atNeighbour]).toEqual([['back'], ['there']]);
    await pair.close();
  });
});
