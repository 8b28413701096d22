import { describe, expect, it } from 'vitest';
import { connected, hear, udpPair, worlds } from './testing/worlds';

describe.each(worlds)('slow answers, %s', (_name, make) => {
  it('lets requests wait, and nothing else', async () => {
    const world = make();
    world.setFaults({ kind: 'slow-answers', params: { delay: 60_000 } });
    const asked = await connected(world, 'neighbour');
    const requests = hear(asked.near);
    hear(asked.far);
    asked.far.write('GET a\n');
    const own = await connected(world, 'node');
    const answers = hear(own.near);
    hear(own.far);
    own.far.write('OK\n');
    const beats = await udpPair(world);
    beats.send('HEARTBEAT');
    await world.until(() => answers.text === 'OK\n' && beats.atNeighbour.length === 1);
    expect(requests.text).toBe('');
    world.setFaults();
    await world.until(() => requests.text === 'GET a\n');
    await asked.close();
    await own.close();
    await beats.close();
  });
});
