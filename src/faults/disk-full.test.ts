import { describe, expect, it } from 'vitest';
import { bytesOf, worlds } from './testing/worlds';

describe.each(worlds)('disk full, %s', (_name, make) => {
  it('fails writes once the space is used up, reads go on, and healed writes too', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    const file = await folder.create('a');
    world.setFaults({ kind: 'disk-full', params: { free: 4 } });
    await file.write(Buffer.from('1234'), 0);
    await expect(file.write(Buffer.from('5'), 4)).rejects.toMatchObject({ code: 'ENOSPC' });
    const read = new Uint8Array(8);
    expect(await file.read(read, 0)).toBe(4);
    world.setFaults();
    await file.write(Buffer.from('5'), 4);
    expect(file.size).toBe(5);
    await file.close();
  });

  it('fails what is written while it is hashed as well', async () => {
    const world = make();
    const hasher = world.node.hashing.hasher('sha256', 100);
    const file = await (await world.node.files.folder('/files')).create('a');
    world.setFaults({ kind: 'disk-full', params: { free: 4 } });
    await file.writeDigested(bytesOf('1234'), 0, (bytes, place) => hasher.update(bytes, place));
    await expect(
      file.writeDigested(bytesOf('5'), 4, (bytes, place) => hasher.update(bytes, place)),
    ).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(file.size).toBe(4);
    await file.close();
  });
});
