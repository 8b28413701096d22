import { describe, expect, it } from 'vitest';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('small segments, %s', (_name, make) => {
  it('cuts what is sent into pieces with pauses, and loses nothing', async () => {
    const world = make();
    world.setFaults({ kind: 'slicer', params: { size: 2, pause: 3 }, scope: { direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const pieces: string[] = [];
    far.handle({ data: (bytes) => void pieces.push(Buffer.from(bytes).toString()) });
    hear(near);
    near.write('HELLO\nGET a');
    await world.until(() => pieces.join('') === 'HELLO\nGET a');
    expect(pieces.length).toBeGreaterThan(1);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(11);
    await close();
  });
});
