import { describe, expect, it } from 'vitest';
import type { Folder } from '../../runtime/context';
import type { MemoryFolder } from '../../runtime/testing/memory-files';
import { Simulation } from '../../runtime/testing/simulation';
import { Accounts } from '../p2p/accounts';
import { readFully, readWhole, replaceWhole } from './whole-file';

const memory = (): MemoryFolder => new Simulation().files.at('/files');

/** A folder whose files give at most three bytes at a read. */
function short(folder: MemoryFolder): Folder {
  return Object.assign(Object.create(folder) as Folder, {
    open: async (name: string) => {
      const file = await folder.open(name);
      return { ...file, read: (into: Uint8Array, at: number) => file.read(into.subarray(0, 3), at) };
    },
    create: folder.create.bind(folder),
    rename: folder.rename.bind(folder),
  });
}

const broken = async (): Promise<never> => {
  throw Object.assign(new Error('The disk is broken.'), { code: 'EIO' });
};

describe('a file that is read as a whole', () => {
  it('is whole although the disk gives it in small parts', async () => {
    const folder = memory();
    folder.put('a', '0123456789');
    expect((await readWhole(short(folder), 'a', 10)).toString()).toBe('0123456789');
    const into = Buffer.alloc(7);
    const file = await short(folder).open('a');
    await readFully(file, into, 2);
    expect(into.toString()).toBe('2345678');
    await expect(readFully(file, into, 5)).rejects.toMatchObject({ code: 'CHANGED' });
  });

  it('is what is left when it becomes shorter, and refused when it is too large', async () => {
    const folder = memory();
    folder.put('a', '0123456789');
    const open = folder.open.bind(folder);
    folder.open = async (name) => ({ ...(await open(name)), size: 20 });
    expect((await readWhole(folder, 'a', 20)).toString()).toBe('0123456789');
    await expect(readWhole(folder, 'a', 19)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(readWhole(folder, 'b', 19)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(folder.openFiles).toBe(0);
  });

  it('holds the accounts of an index, all of them', async () => {
    const folder = memory();
    const accounts = await Accounts.open(folder);
    await accounts.set('bob', 'secret', { save: true });
    expect((await Accounts.open(short(folder))).users).toEqual(['bob']);
  });
});

describe('a file that is replaced', () => {
  it('has the new content, and nothing is left beside it', async () => {
    const folder = memory();
    folder.put('a', 'a former content');
    await replaceWhole(folder, 'a', 'new');
    expect(folder.names).toEqual(['a']);
    expect((await readWhole(folder, 'a', 100)).toString()).toBe('new');
  });

  it('keeps the former content, and is closed, when the disk fails', async () => {
    for (const part of ['write', 'sync'] as const) {
      const folder = memory();
      folder.put('a', 'former');
      const create = folder.create.bind(folder);
      folder.create = async (...options) => ({ ...(await create(...options)), size: 0, [part]: broken });
      await expect(replaceWhole(folder, 'a', 'new', { synced: true })).rejects.toMatchObject({ code: 'EIO' });
      expect((await readWhole(folder, 'a', 100)).toString()).toBe('former');
      expect(folder.openFiles).toBe(0);
    }
  });

  it('is closed when it cannot be read', async () => {
    const folder = memory();
    folder.put('a', 'x');
    const open = folder.open.bind(folder);
    folder.open = async (name) => ({ ...(await open(name)), read: broken });
    await expect(readWhole(folder, 'a', 100)).rejects.toMatchObject({ code: 'EIO' });
    expect(folder.openFiles).toBe(0);
  });
});
