import { describe, expect, it } from 'vitest';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('half-open, %s', (_name, make) => {
  it('takes the connection from the far end and does not tell the near one, until it is healed', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'half-open' });
    await world.until(() => atNeighbour.closed);
    near.write('into the void');
    await world.pass(20);
    expect(atNode.closed).toBe(false);
    expect(near.closed).toBe(false);
    world.setFaults();
    await world.until(() => atNode.closed);
    expect(atNode.error?.code).toBe('ECONNRESET');
    await close();
  });
});
