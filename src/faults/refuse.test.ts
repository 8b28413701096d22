import { describe, expect, it } from 'vitest';
import { connected, dropped, hear, worlds } from './testing/worlds';

describe.each(worlds)('refuse, %s', (_name, make) => {
  it('fails new connections of the node, leaves open ones, and is gone when healed', async () => {
    const world = make();
    const { near, far, at, close } = await connected(world, 'node');
    const heard = hear(near);
    hear(far);
    world.setFaults({ kind: 'refuse', scope: { endpoints: [at] } });
    await expect(world.node.net.connect(at)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    far.write('open ones go on');
    await world.until(() => heard.text === 'open ones go on');
    world.setFaults();
    const again = await world.node.net.connect(at);
    again.destroy();
    await close();
  });

  it('concerns only the peer that is named', async () => {
    const world = make();
    world.setFaults({ kind: 'refuse', scope: { endpoints: [{ host: '127.0.0.1', port: 1 }] } });
    const { close } = await connected(world, 'node');
    await close();
  });

  it('resets those that arrive', async () => {
    const world = make();
    let taken = 0;
    const listener = await world.node.net.listen({ host: '127.0.0.1', port: 0 }, () => {
      taken++;
    });
    world.setFaults({ kind: 'refuse' });
    await dropped(world, listener.local);
    expect(taken).toBe(0);
    await listener.close();
  });

  it('can refuse the first few only', async () => {
    const world = make();
    const { at, close } = await connected(world, 'node');
    world.setFaults({ kind: 'refuse', pick: { first: 2 } });
    await expect(world.node.net.connect(at)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(world.node.net.connect(at)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const third = await world.node.net.connect(at);
    third.destroy();
    await close();
  });
});
