import { describe, expect, it } from 'vitest';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('slow close, %s', (_name, make) => {
  it('brings the bytes at once and the end later', async () => {
    const world = make();
    world.setFaults({ kind: 'slow-close', params: { delay: 60_000 } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.end('all of it');
    await world.until(() => heard.text === 'all of it');
    await world.pass(20);
    expect(heard.ended).toBe(false);
    world.setFaults();
    await world.until(() => heard.ended);
    await close();
  });
});
