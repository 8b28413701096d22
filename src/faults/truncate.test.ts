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

  it('stays the end of a stream when it is healed', async () => {
    const world = make();
    world.setFaults({ kind: 'truncate', params: { bytes: 4 }, scope: { direction: 'in' } });
    const { near, far, close } = await connected(world, 'node');
    const heard: string[] = [];
    near.handle({
      data: (bytes) => heard.push(Buffer.from(bytes).toString('latin1')),
      end: () => heard.push('end'),
      close: () => heard.push('close'),
    });
    hear(far);
    far.write('OK 10\n0123');
    await world.until(() => heard.includes('end'));
    world.setFaults();
    far.end('456789');
    near.end();
    await world.until(() => heard.includes('close'));
    expect(heard).toEqual(['OK 1', 'end', 'close']);
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
