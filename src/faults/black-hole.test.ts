import { describe, expect, it } from 'vitest';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('black hole, %s', (_name, make) => {
  it('accepts and says nothing; healed, everything arrives', async () => {
    const world = make();
    world.setFaults({ kind: 'black-hole' });
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    near.write('GET a\n');
    far.write('OK\n');
    await world.pass(30);
    expect([atNode.text, atNeighbour.text]).toEqual(['', '']);
    world.setFaults();
    await world.until(() => atNode.text === 'OK\n' && atNeighbour.text === 'GET a\n');
    await close();
  });

  it('can swallow one direction', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'black-hole', scope: { direction: 'in' } });
    far.write('unheard');
    near.write('heard');
    await world.until(() => atNeighbour.text === 'heard');
    await world.pass(20);
    expect(atNode.text).toBe('');
    await close();
  });
});
