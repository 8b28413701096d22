import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Folder, NodeContext, WritableFile } from '../../runtime/context';
import { digestThenWrite } from '../../runtime/digest-then-write';
import type { MemoryFolder } from '../../runtime/testing/memory-files';
import { Simulation } from '../../runtime/testing/simulation';
import { readRecord, writeRecord } from '../engine/resume-record';
import { PartialFiles } from './partial-file';

function desk() {
  const sim = new Simulation();
  const context: NodeContext = sim.context('client');
  return { sim, context, folder: sim.files.at('/out'), partials: new PartialFiles(context) };
}

const signal = new AbortController().signal;

/** A folder whose disk fails where it is told to. */
function failing(folder: MemoryFolder, fails: (position: number, end: number) => boolean): Folder {
  const create: Folder['create'] = async (name, options) => {
    const file = await folder.create(name, options);
    const write = async (bytes: Uint8Array, position: number): Promise<void> => {
      if (fails(position, position + bytes.length))
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      await file.write(bytes, position);
    };
    const writeDigested: WritableFile['writeDigested'] = (bytes, position, digest) =>
      digestThenWrite({ write }, bytes, position, digest);
    return { ...file, size: file.size, write, writeDigested };
  };
  return { ...bound(folder), create };
}

function bound(folder: MemoryFolder): Folder {
  return {
    path: folder.path,
    list: () => folder.list(),
    stat: (name) => folder.stat(name),
    open: (name) => folder.open(name),
    create: (name, options) => folder.create(name, options),
    rename: (from, to, options) => folder.rename(from, to, options),
    remove: (name) => folder.remove(name),
    watch: (onChange) => folder.watch(onChange),
  };
}

describe('PartialFile', () => {
  it('takes away what is recorded of the pieces of an earlier download, whose bytes it replaces', async () => {
    const { sim, folder, partials } = desk();
    const it = { identity: 'root:1', size: 3 << 20, pieceSize: 1 << 20 };
    folder.put('a.part', Buffer.alloc(2 << 20));
    await writeRecord(folder, 'a', it, { pieces: Uint8Array.of(0b1100_0000), priority: 'normal' });
    await sim.advance(5000);
    const partial = await partials.claim(folder, 'a');
    await partial.content.restart();
    partial.content.append(Buffer.alloc(1 << 20, 1), 1 << 20);
    await partial.abandon(true);
    expect(folder.names).toContain('a.part');
    expect(await readRecord(folder, 'a', it)).toBeNull();
  });

  it('holds the sender back while the disk is busy, and lets it go on', async () => {
    const { folder, partials } = desk();
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: Folder = {
      ...bound(folder),
      create: async (name, options) => {
        const file = await folder.create(name, options);
        return { ...file, size: file.size, write: (bytes, at) => gate.then(() => file.write(bytes, at)) };
      },
    };
    const partial = await partials.claim(slow, 'a');
    let roomAgain = 0;
    partial.content.onRoom = () => {
      roomAgain++;
    };
    const megabyte = Buffer.alloc(1 << 20, 'x');
    expect([1, 2, 3].map(() => partial.content.append(megabyte, 1 << 30))).toEqual([true, true, false]);
    expect(roomAgain).toBe(0);
    release();
    await partial.content.flush();
    expect(roomAgain).toBe(1);
    expect(await partial.content.digest()).toBe(
      createHash('sha256')
        .update(Buffer.alloc(3 << 20, 'x'))
        .digest('hex'),
    );
    await partial.abandon(false);
  });

  it('tells that the disk is full, and no byte more is taken for written', async () => {
    const { folder, partials } = desk();
    const partial = await partials.claim(
      failing(folder, (_, end) => end > 1 << 20),
      'a',
    );
    let noticed = false;
    partial.content.onRoom = () => {
      noticed = true;
    };
    partial.content.append(Buffer.alloc(3 << 20), 1 << 30);
    await expect(partial.content.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(noticed).toBe(true);
    expect(partial.content.error).toMatchObject({ code: 'ENOSPC' });
    await partial.abandon(true);
    expect(folder.bytesOf('a.part')).toHaveLength(1 << 20);
  });

  it('keeps nothing that was written behind a gap', async () => {
    const { folder, partials } = desk();
    const partial = await partials.claim(
      failing(folder, (position) => position === 1 << 20),
      'a',
    );
    partial.content.append(Buffer.alloc(3 << 20, 'x'), 1 << 30);
    await expect(partial.content.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    await partial.abandon(true);
    expect(Buffer.from(folder.bytesOf('a.part') as Uint8Array).equals(Buffer.alloc(1 << 20, 'x'))).toBe(true);
  });

  it('takes the next free name when the file has appeared meanwhile', async () => {
    const { folder, partials } = desk();
    const partial = await partials.claim(folder, 'a.txt');
    partial.content.append(Buffer.from('mine'), 4);
    folder.put('a.txt', 'theirs');
    folder.put('a (2).txt', 'theirs too');
    expect(await partial.finish()).toBe('a (3).txt');
    expect(Buffer.from(folder.bytesOf('a.txt') ?? '').toString()).toBe('theirs');
    expect(Buffer.from(folder.bytesOf('a (3).txt') ?? '').toString()).toBe('mine');
    expect(folder.names).not.toContain('a.txt.part');
  });

  it('keeps its .part fresh while nothing comes, so that no other process takes it', async () => {
    const { sim, folder, partials, context } = desk();
    const partial = await partials.claim(folder, 'a');
    partial.content.append(Buffer.from('begun'), 5);
    await partial.content.flush();
    for (let second = 0; second < 30; second++) {
      await sim.advance(1000);
      const other = await new PartialFiles(context).claim(folder, 'a');
      expect(await other.finish()).not.toBe('a');
    }
    expect(await partial.finish()).toBe('a');
  });

  it('goes on after what was left, and can begin anew', async () => {
    const { sim, folder, partials } = desk();
    folder.put('a.part', 'left');
    await sim.advance(5000);
    const partial = await partials.claim(folder, 'a');
    expect(partial.leftover).toBe(4);
    expect(await partial.content.adopt(13, signal)).toBe(4);
    partial.content.append(Buffer.from(' and more'), 9);
    await partial.content.flush();
    expect(await partial.content.digest()).toBe(createHash('sha256').update('left and more').digest('hex'));
    await partial.content.restart();
    partial.content.append(Buffer.from('new'), 3);
    expect(await partial.finish()).toBe('a');
    expect(Buffer.from(folder.bytesOf('a') ?? '').toString()).toBe('new');
  });

  it('leaves no empty file behind', async () => {
    const { folder, partials } = desk();
    await (await partials.claim(folder, 'a')).abandon(true);
    expect(folder.names).toEqual([]);
  });
});
