import { describe, expect, it } from 'vitest';
import { udpPair, worlds } from './testing/worlds';

describe.each(worlds)('reordering, %s', (_name, make) => {
  it('lets later datagrams pass first', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'reorder', params: { percent: 100, by: 2, within: 60_000 }, pick: { first: 1 } });
    for (const text of ['1', '2', '3', '4']) pair.send(text);
    await world.until(() => pair.atNeighbour.length === 4);
    expect(pair.atNeighbour).toEqual(['2', '3', '1', '4']);
    await pair.close();
  });

  it('does not keep for ever what nothing overtakes, and gives it up when it is removed', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'reorder', params: { percent: 100, by: 9, within: 10 } });
    pair.send('alone');
    await world.until(() => pair.atNeighbour.length === 1);
    world.setFaults({ kind: 'reorder', params: { percent: 100, by: 9, within: 60_000 } });
    pair.send('held');
    await world.pass(10);
    expect(pair.atNeighbour).toEqual(['alone']);
    world.setFaults();
    await world.until(() => pair.atNeighbour.length === 2);
    await pair.close();
  });
});
