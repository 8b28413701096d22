import { describe, expect, it } from 'vitest';
import { amount } from './limit';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('limit, %s', (_name, make) => {
  it('closes both ends after so many bytes, and leaves connections alone once it is gone', async () => {
    const world = make();
    world.setFaults({ kind: 'limit', params: { bytes: 10 }, scope: { direction: 'in' } });
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    far.write('0123456789abcdef');
    await world.until(() => atNode.closed && (atNeighbour.closed || atNeighbour.ended));
    expect(atNode.text).toBe('0123456789');
    expect(atNode.error).toBeUndefined();
    await close();

    world.setFaults();
    const sound = await connected(world, 'node');
    const heard = hear(sound.near);
    hear(sound.far);
    sound.far.write('0123456789abcdef');
    await world.until(() => heard.text === '0123456789abcdef');
    await sound.close();
  });

  it('does not tell the end of the other direction a second time', async () => {
    const world = make();
    world.setFaults({ kind: 'limit', params: { bytes: 10 }, scope: { direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const heard: string[] = [];
    near.handle({ data: () => {}, end: () => heard.push('end'), close: () => heard.push('close') });
    hear(far);
    far.end();
    await world.until(() => heard.length === 1);
    near.write('0123456789abcdef');
    await world.until(() => heard.includes('close'));
    expect(heard).toEqual(['end', 'close']);
    await close();
  });

  it('lets those bytes reach a peer that does not take them at once', async () => {
    const world = make();
    world.setFaults({ kind: 'limit', params: { bytes: 20_000_000 }, scope: { direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    near.write('0123456789'.repeat(3_000_000));
    await world.until(() => atNode.closed);
    const atNeighbour = hear(far);
    await world.until(() => atNeighbour.closed || atNeighbour.ended);
    expect(atNeighbour.text.length).toBe(20_000_000);
    expect(atNeighbour.error).toBeUndefined();
    await close();
  });
});

it('writes amounts short', () => {
  expect([999, 1500, 2_500_000].map(amount)).toEqual(['999 B', '1.5 kB', '2.5 MB']);
});
