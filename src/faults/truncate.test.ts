import { describe, expect, it } from 'vitest';
import { connected, hear, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('truncation, %s', (_name, make) => {
  it('ends a stream early, as if it were complete', async () => {
    const world = make();
    world.setFaults({ kind: 'truncate', params: { bytes: 4 }, scope: { direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    const atNode = hear(near);
    near.write('OK 10\n0123456789');
    near.end();
    await world.until(() => heard.ended);
    expect(heard.text).toBe('OK 1');
    far.write('still heard');
    await world.until(() => atNode.text === 'still heard');
    await close();
  });

  it('cuts datagrams', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'truncate', params: { bytes: 9 } });
    pair.send('HEARTBEAT CS1');
    await world.until(() => pair.atNeighbour.length === 1);
    world.setFaults();
    pair.send('HEARTBEAT CS1');
    await world.until(() => pair.atNeighbour.length === 2);
    expect(pair.atNeighbour).toEqual(['HEARTBEAT', 'HEARTBEAT CS1']);
    await pair.close();
  });
});
