import { describe, expect, it } from 'vitest';
import { connected, dropped, hear, worlds } from './testing/worlds';

describe.each(worlds)('too many open files, %s', (_name, make) => {
  it('fails files and connections, in both directions, and leaves open ones', async () => {
    const world = make();
    const open = await connected(world, 'node');
    const heard = hear(open.near);
    hear(open.far);
    const listener = await world.node.net.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const folder = await world.node.files.folder('/files');
    world.setFaults({ kind: 'too-many-files' });
    await expect(folder.create('a')).rejects.toMatchObject({ code: 'EMFILE' });
    await expect(world.node.net.connect(open.at)).rejects.toMatchObject({ code: 'EMFILE' });
    await dropped(world, listener.local);
    open.far.write('goes on');
    await world.until(() => heard.text === 'goes on');
    world.setFaults();
    await (await folder.create('a')).close();
    await open.close();
    await listener.close();
  });
});
