import { describe, expect, it } from 'vitest';
import { connected, hear, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('crash on request, %s', (_name, make) => {
  it('crashes when a request arrives, not when a connection does', async () => {
    const world = make();
    world.setFaults({ kind: 'crash-on-request', params: { requests: 2 } });
    const { near, far, close } = await connected(world, 'neighbour');
    const heard = hear(near);
    hear(far);
    await world.pass(10);
    expect(world.machine.crashes).toBe(0);
    far.write('one');
    await world.until(() => heard.text === 'one');
    expect(world.machine.crashes).toBe(0);
    far.write('two');
    await world.until(() => world.machine.crashes === 1);
    await close();
  });

  it('crashes on the next request when it is to crash on one that is over', async () => {
    const world = make();
    world.setFaults({ kind: 'crash-on-request', params: { requests: 10 } });
    const pair = await udpPair(world);
    for (const number of [1, 2, 3]) {
      pair.receive(`HEARTBEAT ${number}`);
      await world.until(() => pair.atNode.length === number);
    }
    world.setFaults({ kind: 'crash-on-request', params: { requests: 2 } });
    expect(world.machine.crashes).toBe(0);
    pair.receive('HEARTBEAT 4');
    await world.until(() => pair.atNode.length === 4);
    expect(world.machine.crashes).toBe(1);
    await pair.close();
  });

  it('takes a datagram for a request, and answers to its own requests not', async () => {
    const world = make();
    world.setFaults({ kind: 'crash-on-request' });
    const dialled = await connected(world, 'node');
    const heard = hear(dialled.near);
    hear(dialled.far);
    dialled.far.write('an answer');
    await world.until(() => heard.text === 'an answer');
    expect(world.machine.crashes).toBe(0);
    const pair = await udpPair(world);
    pair.receive('HEARTBEAT');
    await world.until(() => world.machine.crashes === 1);
    await pair.close();
    await dialled.close();
  });
});
