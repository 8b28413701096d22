import { describe, expect, it } from 'vitest';
import { worlds } from './testing/worlds';

describe.each(worlds)('wrong content, %s', (_name, make) => {
  it('gives other bytes of the same size, the same ones each time, and of the named files only', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    const text = '0123456789'.repeat(10);
    for (const name of ['bad', 'good']) {
      const file = await folder.create(name);
      await file.write(Buffer.from(text), 0);
      await file.close();
    }
    const read = async (name: string, chunk: number): Promise<string> => {
      const file = await folder.open(name);
      let content = '';
      for (let at = 0; at < file.size; ) {
        const into = new Uint8Array(chunk);
        const length = await file.read(into, at);
        content += Buffer.from(into.subarray(0, length)).toString('latin1');
        at += length;
      }
      await file.close();
      return content;
    };
    const before = await folder.stat('bad');
    let looks = 0;
    const watch = folder.watch(() => {
      looks++;
    });
    world.setFaults({ kind: 'wrong-content', params: { every: 30, names: 'bad' } });
    const whole = await read('bad', 100);
    expect(whole).toHaveLength(100);
    expect([...whole].filter((letter, at) => letter !== text[at])).toHaveLength(4);
    expect(await read('bad', 7)).toBe(whole);
    expect(await read('good', 100)).toBe(text);
    // As on a disk that rots: nothing but the bytes tells.
    expect(await folder.stat('bad')).toEqual(before);
    expect(looks).toBe(1);
    world.setFaults();
    expect(await read('bad', 100)).toBe(text);
    expect(looks).toBe(2);
    watch.cancel();
  });
});
