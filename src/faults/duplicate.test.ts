import { describe, expect, it } from 'vitest';
import { udpPair, worlds } from './testing/worlds';

describe.each(worlds)('duplication, %s', (_name, make) => {
  it('brings copies, and none once it is gone', async () => {
    const world = make();
    const pair = await udpPair(world);
    world.setFaults({ kind: 'duplicate', params: { percent: 100, copies: 2, later: 5 } });
    pair.send('thrice');
    await world.until(() => pair.atNeighbour.length === 3);
    world.setFaults();
    pair.send('once');
    await world.until(() => pair.atNeighbour.length === 4);
    expect(pair.atNeighbour).toEqual(['thrice', 'thrice', 'thrice', 'once']);
    await pair.close();
  });
});
