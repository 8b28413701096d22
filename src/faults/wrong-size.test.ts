import { describe, expect, it } from 'vitest';
import { worlds } from './testing/worlds';

describe.each(worlds)('wrong size, %s', (_name, make) => {
  it('is told, of a file that is as it was, and watchers hear of it', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    const file = await folder.create('a');
    await file.write(Buffer.from('12345'), 0);
    await file.close();
    await world.pass(5);
    let changes = 0;
    const watch = folder.watch(() => {
      changes++;
    });
    world.setFaults({ kind: 'wrong-size', params: { difference: -2 } });
    expect((await folder.stat('a')).size).toBe(3);
    expect((await folder.list())[0]).toMatchObject({ name: 'a', size: 3 });
    const opened = await folder.open('a');
    expect(opened.size).toBe(5);
    await opened.close();
    expect(changes).toBe(1);
    world.setFaults();
    expect((await folder.stat('a')).size).toBe(5);
    expect(changes).toBe(2);
    watch.cancel();
  });
});
