import { createHash } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { scratchFolder } from '../testing/scratch-folder';
import type { Folder, Log } from './context';
import { DiskWritableFile } from './disk-file';
import { systemFiles } from './files';
import { systemHashing } from './hashing';

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let root: string;
let folder: Folder;

beforeEach(async () => {
  root = await scratchFolder();
  await mkdir(join(root, 'content'));
  await writeFile(join(root, 'secret.txt'), 'secret');
  folder = await systemFiles(quiet).folder(join(root, 'content'));
});

/** Bytes that own their memory, as a hasher wants them. */
const ownBytes = (size: number, fill: string): Buffer => Buffer.allocUnsafeSlow(size).fill(fill);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const put = (name: string, text = 'x'): Promise<void> => writeFile(join(root, 'content', name), text);

describe('a folder on disk', () => {
  it('lists regular files below it, and neither hidden nor partial ones', async () => {
    await mkdir(join(root, 'content', 'videos'));
    await put('a b.txt', '12345');
    await put('videos/ä.mp4');
    await put('.hidden');
    await put('half.part');
    const entries = await folder.list();
    expect(entries.map(({ name, size }) => [name, size])).toEqual([
      ['a b.txt', 5],
      ['videos/ä.mp4', 1],
    ]);
  });

  it('leaves no file open when the disk fails to tell what it is', async () => {
    await put('a');
    const handle = await open(join(root, 'content', 'a'));
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const opened: FileHandle[] = [];
    const stat = vi.spyOn(prototype, 'stat').mockImplementation(async function (this: FileHandle) {
      opened.push(this);
      throw new Error('The disk is broken.');
    });
    await expect(folder.open('a')).rejects.toThrow('broken');
    await expect(folder.create('b')).rejects.toThrow('broken');
    stat.mockRestore();
    expect(opened.map(({ fd }) => fd)).toEqual([-1, -1]);
  });

  it('writes large blocks that are given at the same time, each to its place, and closes after the last', async () => {
    const blocks = [3, 0, 2, 1].map((place) => ({ place, bytes: Buffer.alloc(300_001, `block ${place}`) }));
    const file = await folder.create('big.bin');
    const writes = blocks.map(({ place, bytes }) => file.write(bytes, place * bytes.length));
    await file.close();
    await Promise.all(writes);
    expect(file.size).toBe(4 * 300_001);
    const inOrder = blocks.sort((a, b) => a.place - b.place).map(({ bytes }) => bytes);
    expect((await readFile(join(root, 'content', 'big.bin'))).equals(Buffer.concat(inOrder))).toBe(true);
  });

  it.each([
    ['the thread that hashes them', 1 << 30],
    ['this one, where they are too few for a thread', 1000],
  ])(
    'has bytes written while they are hashed by %s, each to its place, and closes after the last',
    async (_, expected) => {
      const hasher = systemHashing(2).hasher('sha256', expected);
      const file = await folder.create('big.bin');
      const blocks = [3, 0, 2, 1].map((place) => ({ place, bytes: ownBytes(300_001, `block ${place}`) }));
      const content = blocks.map(({ place, bytes }) => ({ place, bytes: Buffer.from(bytes) }));
      const hashed = blocks.map(({ place, bytes }) =>
        file.writeDigested(bytes, place * bytes.length, (given, at) => hasher.hash(given, at)),
      );
      await file.close();
      const answers = await Promise.all(hashed);
      expect(answers.map(({ hex }) => hex)).toEqual(content.map(({ bytes }) => sha256(bytes)));
      expect(answers.every(({ bytes }, at) => content[at]?.bytes.equals(bytes))).toBe(true);
      expect(file.size).toBe(4 * 300_001);
      const inOrder = content.sort((a, b) => a.place - b.place).map(({ bytes }) => bytes);
      expect((await readFile(join(root, 'content', 'big.bin'))).equals(Buffer.concat(inOrder))).toBe(true);
      hasher.close();
    },
  );

  it('says why bytes could not be written while they were hashed, and the thread goes on', async () => {
    const hasher = systemHashing(1).hasher('sha256', 1 << 30);
    await put('read-only');
    const handle = await open(join(root, 'content', 'read-only'));
    const file = new DiskWritableFile(handle, 1);
    const refused = file.writeDigested(ownBytes(10, 'a'), 0, (given, at) => hasher.update(given, at));
    await expect(refused).rejects.toMatchObject({ code: 'EBADF' });
    expect((await hasher.hash(ownBytes(10, 'b'))).hex).toBe(sha256(ownBytes(10, 'b')));
    hasher.close();
    await file.close();
  });

  it.each([
    '../secret.txt',
    '..',
    '/etc/hostname',
    'a/../../secret.txt',
    'nul\0l',
    'CON',
    'c:secret',
    'a\\b',
    '',
  ])('refuses the name %j for reading and writing', async (name) => {
    await expect(folder.open(name)).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await expect(folder.create(name)).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await expect(folder.remove(name)).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
  });

  it('refuses links that lead out, of files and of folders, and follows those that stay', async () => {
    await put('inside.txt', 'in');
    await symlink(join(root, 'secret.txt'), join(root, 'content', 'leak.txt'));
    await symlink(root, join(root, 'content', 'up'));
    await symlink('inside.txt', join(root, 'content', 'alias.txt'));
    await expect(folder.open('leak.txt')).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await expect(folder.open('up/secret.txt')).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await expect(folder.create('up/deep/new.txt')).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await symlink(join(root, 'not-yet.txt'), join(root, 'content', 'dangling.txt'));
    await expect(folder.create('dangling.txt')).rejects.toThrow();
    expect(await readdir(root)).toEqual(['content', 'secret.txt']);
    await expect(folder.create('up/new.txt')).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await expect(folder.create('leak.txt', { truncate: true })).rejects.toMatchObject({
      code: 'UNSAFE_NAME',
    });
    expect((await folder.list()).map((entry) => entry.name)).toEqual(['alias.txt', 'inside.txt']);
  });

  it('does not take a folder for a file', async () => {
    await mkdir(join(root, 'content', 'dir'));
    await expect(folder.open('dir')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(folder.stat('dir')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(folder.open('absent')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('writes at positions, reads back, truncates, renames', async () => {
    const file = await folder.create('deep/er/out.part', { truncate: true });
    await file.write(Buffer.from('world'), 6);
    await file.write(Buffer.from('hello '), 0);
    expect(file.size).toBe(11);
    const into = Buffer.alloc(20);
    expect(await file.read(into, 6)).toBe(5);
    await file.truncate(5);
    await file.sync();
    await file.close();
    await folder.rename('deep/er/out.part', 'out.txt');
    expect(await folder.stat('out.txt')).toMatchObject({ size: 5 });
    await folder.remove('out.txt');
    await expect(folder.stat('out.txt')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('notices what changes from outside, also in folders that are new', async () => {
    let changes = 0;
    const watch = folder.watch(() => void changes++);
    const seen = async (act: () => Promise<unknown>): Promise<void> => {
      const before = changes;
      await act();
      while (changes === before) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await seen(() => put('one.txt'));
    await seen(() => mkdir(join(root, 'content', 'sub')));
    await seen(() => put('sub/two.txt'));
    await seen(() => unlink(join(root, 'content', 'one.txt')));
    watch.cancel();
  });
});
