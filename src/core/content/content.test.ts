import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StudioEvent, TaskView } from '../../contract/events';
import type { NodeSpec } from '../../contract/workspace';
import { scratchFolder } from '../../testing/scratch-folder';
import { EventHub } from '../events/event-hub';
import { Tasks } from '../tasks';
import { waitFor } from '../testing/wait-for';
import { Content } from './content';
import type { ListQuery } from './folder-listing';

/** Rights do not bind whoever runs the tests as root: what is called so is denied to everybody. */
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const denied = Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' });
  const createReadStream = (path: string, options: object): Readable =>
    path.endsWith('denied.txt')
      ? new Readable({ read: (): void => undefined }).destroy(denied)
      : fs.createReadStream(path, options);
  return { ...fs, createReadStream };
});

let root: string;
let served: string;
let hub: EventHub;
let tasks: Tasks;
let content: Content;
let events: StudioEvent[];
/** Called whenever the node's folder is asked for, which each write does. */
let onFolder: () => void;

const node: NodeSpec = {
  id: 'cs1',
  kind: 'content-server',
  name: 'CS1',
  position: { x: 0, y: 0 },
  config: {},
};
const page: ListQuery = { search: '', sort: 'name', descending: false, offset: 0, limit: 1000 };

beforeEach(async () => {
  root = await scratchFolder();
  served = join(root, 'served');
  events = [];
  onFolder = () => undefined;
  alive = new AbortController().signal;
  hub = new EventHub(() => undefined);
  hub.open({ onBatch: (batch) => events.push(...batch.events) });
  tasks = new Tasks(hub);
  content = new Content({
    hub,
    tasks,
    node: () => node,
    folderOf: () => {
      onFolder();
      return served;
    },
    trash: () => join(root, '.trash'),
    notes: () => new Map([['a b', 'A space in the name.']]),
  });
});
afterEach(async () => {
  content.close();
  hub.close();
});

async function put(files: Record<string, string>, folder = served): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}
async function* bytes(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
const names = async (query: Partial<ListQuery> = {}): Promise<string[]> =>
  (await content.list('cs1', { ...page, ...query })).rows.map(({ name }) => name);
const ended = (id: string): Promise<TaskView> =>
  waitFor(() => tasks.views().find((task) => task.id === id && task.phase !== 'running'), `the end of ${id}`);
let alive: AbortSignal;
const announce = (name: string, size: number) => {
  const [ticket] = content.prepareUpload('cs1', [{ name, size }], alive);
  if (!ticket) throw new Error('No ticket.');
  const task = tasks.views().at(-1) as TaskView;
  return { uploadId: ticket.uploadId, task: task.id };
};

describe('a list of files', () => {
  it('is sorted, searched and cut into pages', async () => {
    await put({ file10: 'xx', File2: 'x', 'sub/other': 'xxx', '.hidden': '', 'half.part': '' });
    expect(await names()).toEqual(['File2', 'file10', 'sub/other']);
    expect(await names({ descending: true })).toEqual(['sub/other', 'file10', 'File2']);
    expect(await names({ sort: 'size' })).toEqual(['File2', 'file10', 'sub/other']);
    expect(await names({ search: 'FILE' })).toEqual(['File2', 'file10']);
    expect(await names({ offset: 1, limit: 1 })).toEqual(['file10']);
    expect(await names({ offset: 0, limit: 1, descending: true })).toEqual(['sub/other']);
    expect(await names({ offset: 2, limit: 5, descending: true })).toEqual(['File2']);
    expect(await names({ offset: 9 })).toEqual([]);
    expect((await content.list('cs1', { ...page, search: 'file', limit: 1 })).total).toBe(2);
  });

  it('follows changes from outside, and tells the panels', async () => {
    await put({ a: '' });
    expect(await names()).toEqual(['a']);
    await put({ b: '' });
    await waitFor(() => events.some((event) => event.type === 'files-changed'), 'files-changed');
    expect(await names()).toEqual(['a', 'b']);
  });

  it('carries what a node says about a name', async () => {
    await put({ 'a b': '', c: '' });
    const { rows } = await content.list('cs1', page);
    expect(rows.map(({ note }) => note)).toEqual(['A space in the name.', undefined]);
  });
});

describe('an import', () => {
  const outside = (): string => join(root, 'outside');

  it('goes on after a file that can no longer be read', async () => {
    await put({ 'tree/a.txt': '1', 'tree/b.txt': '22', 'tree/c.txt': '333' }, outside());
    onFolder = () => rmSync(join(outside(), 'tree/b.txt'), { force: true });
    const [id = ''] = content.import('cs1', [join(outside(), 'tree')]);
    expect(await ended(id)).toMatchObject({ error: { message: expect.stringContaining('b.txt') } });
    expect(await names()).toEqual(['tree/a.txt', 'tree/c.txt']);
  });

  it('says of what the system denies to read that it cannot be read, and what to do', async () => {
    await put({ 'denied.txt': 'secret' }, outside());
    const [id = ''] = content.import('cs1', [join(outside(), 'denied.txt')]);
    const { error } = await ended(id);
    expect(error?.message).toContain('denied.txt cannot be read: this account may not use it.');
    expect(error?.hint).toContain('Allow this account to read it');
    const notice = await waitFor(() => events.find((event) => event.type === 'notice'), 'a notice');
    expect(notice).toMatchObject({ notice: { text: `${error?.message} ${error?.hint}` } });
    expect(await readdir(served)).toEqual([]);
  });

  it('copies files and folders as tasks, with what came of it', async () => {
    await put(
      { 'one.txt': '1', 'tree/two.txt': '22', 'tree/deep/three.txt': '333', 'tree/.hidden': '' },
      outside(),
    );
    const ids = content.import('cs1', [join(outside(), 'one.txt'), join(outside(), 'tree')]);
    const [one, tree] = await Promise.all(ids.map(ended));
    expect(one).toMatchObject({ phase: 'done', done: 1, total: 1, outcome: '1 file added to CS1' });
    expect(tree).toMatchObject({ phase: 'done', done: 5, total: 5 });
    expect(tree?.outcome).toContain('1 hidden or special left out');
    expect(await names()).toEqual(['one.txt', 'tree/deep/three.txt', 'tree/two.txt']);
    expect(await readFile(join(served, 'tree/deep/three.txt'), 'utf8')).toBe('333');
    await waitFor(() => events.some((event) => event.type === 'notice'), 'a notice');
  });

  it('replaces a file of the same name, and says so', async () => {
    await put({ 'one.txt': 'old' });
    await put({ 'one.txt': 'new' }, outside());
    const [id] = content.import('cs1', [join(outside(), 'one.txt')]);
    expect((await ended(id as string)).outcome).toContain('replaced');
    expect(await readFile(join(served, 'one.txt'), 'utf8')).toBe('new');
  });

  it('fails with a reason when there is nothing to copy', async () => {
    const [id] = content.import('cs1', [join(outside(), 'nothing')]);
    expect(await ended(id as string)).toMatchObject({ phase: 'failed', error: { code: 'ENOENT' } });
  });

  it.skipIf(process.platform === 'win32')('follows no links', async () => {
    await put({ secret: 's', 'tree/a': 'a' }, outside());
    await symlink(join(outside(), 'secret'), join(outside(), 'tree/link'));
    const [id] = content.import('cs1', [join(outside(), 'tree')]);
    await ended(id as string);
    expect(await names()).toEqual(['tree/a']);
  });

  it('can be cancelled, and leaves no part of a file', async () => {
    await put({ 'big.bin': 'x'.repeat(3_000_000) }, outside());
    const [id] = content.import('cs1', [join(outside(), 'big.bin')]);
    tasks.cancel(id as string);
    expect((await ended(id as string)).phase).toBe('cancelled');
    await waitFor(async () => (await readdir(served).catch(() => [])).length === 0, 'an empty folder');
  });

  it('of many paths is one task', async () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, 'x']));
    await put(many, outside());
    const ids = content.import(
      'cs1',
      Object.keys(many).map((name) => join(outside(), name)),
    );
    expect(ids).toHaveLength(1);
    expect(await ended(ids[0] as string)).toMatchObject({ phase: 'done', done: 60 });
  });
});

describe('an upload', () => {
  it('is written as it comes, and is there when it is whole', async () => {
    const { uploadId, task } = announce('sub/größe 1.txt', 6);
    await content.receiveUpload(uploadId, bytes('abc', 'def'));
    expect(await readFile(join(served, 'sub/größe 1.txt'), 'utf8')).toBe('abcdef');
    expect(await readdir(join(served, 'sub'))).toEqual(['größe 1.txt']);
    expect(await ended(task)).toMatchObject({ phase: 'done', done: 6 });
  });

  it.each([
    ['too few', 'abc'],
    ['too many', 'abcdefghi'],
  ])('of %s bytes fails and leaves nothing, not even of the former file', async (_, text) => {
    await put({ 'a.txt': 'former' });
    const { uploadId, task } = announce('a.txt', 6);
    await expect(content.receiveUpload(uploadId, bytes(text))).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    });
    expect(await ended(task)).toMatchObject({ phase: 'failed', done: 0 });
    expect(await readdir(served)).toEqual(['a.txt']);
    expect(await readFile(join(served, 'a.txt'), 'utf8')).toBe('former');
  });

  it('is taken once', async () => {
    const { uploadId } = announce('a.txt', 1);
    await content.receiveUpload(uploadId, bytes('a'));
    await expect(content.receiveUpload(uploadId, bytes('b'))).rejects.toMatchObject({
      code: 'UNKNOWN_UPLOAD',
    });
    await expect(content.receiveUpload('guess', bytes('b'))).rejects.toMatchObject({
      code: 'UNKNOWN_UPLOAD',
    });
  });

  it.each(['../a', '/etc/passwd', 'a/../../b', 'a\0b', '.hidden', 'x.part', 'con', ''])(
    'cannot have the name %j',
    async (name) => {
      const { uploadId, task } = announce(name, 1);
      await expect(content.receiveUpload(uploadId, bytes('a'))).rejects.toMatchObject({
        code: 'UNSAFE_NAME',
      });
      expect((await ended(task)).phase).toBe('failed');
    },
  );

  it('ends when it is cancelled, even while nothing comes', async () => {
    const { uploadId, task } = announce('a.txt', 10);
    let asked = false;
    const stuck: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('abc');
        asked = true;
        await new Promise(() => undefined);
      },
    };
    const receiving = expect(content.receiveUpload(uploadId, stuck)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await waitFor(() => asked, 'the second chunk to be asked for');
    tasks.cancel(task);
    await receiving;
    expect(await ended(task)).toMatchObject({ phase: 'cancelled' });
    expect(await readdir(served)).toEqual([]);
  });

  it('ends with the page that announced it', async () => {
    const page = new AbortController();
    const [ticket] = content.prepareUpload('cs1', [{ name: 'a', size: 1 }], page.signal);
    const task = tasks.views().at(-1) as TaskView;
    page.abort();
    expect((await ended(task.id)).phase).toBe('failed');
    await expect(content.receiveUpload(ticket?.uploadId ?? '', bytes('a'))).rejects.toMatchObject({
      code: 'UNKNOWN_UPLOAD',
    });
  });

  it('of the same name at the same time is refused', async () => {
    const first = announce('a.txt', 3);
    const second = announce('a.txt', 3);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab');
      await gate;
      yield Buffer.from('c');
    }
    const receiving = content.receiveUpload(first.uploadId, slow());
    await waitFor(async () => (await readdir(served).catch(() => [])).length > 0, 'the first to begin');
    await expect(content.receiveUpload(second.uploadId, bytes('xyz'))).rejects.toMatchObject({
      code: 'BUSY',
    });
    open();
    await receiving;
    expect(await readFile(join(served, 'a.txt'), 'utf8')).toBe('abc');
  });

  it('of many files shares a task', async () => {
    const files = Array.from({ length: 51 }, (_, n) => ({ name: `f${n}`, size: 1 }));
    const tickets = content.prepareUpload('cs1', files, alive);
    expect(tasks.views()).toHaveLength(1);
    for (const { uploadId } of tickets) await content.receiveUpload(uploadId, bytes('x'));
    expect(await ended((tasks.views()[0] as TaskView).id)).toMatchObject({
      phase: 'done',
      done: 51,
      total: 51,
    });
  });
});

describe('removing files', () => {
  it('keeps them in the trash', async () => {
    await put({ a: 'a', 'sub/b': 'b', c: 'c' });
    await content.remove('cs1', ['a', 'sub/b', 'gone']);
    expect(await names()).toEqual(['c']);
    const [bin] = await readdir(join(root, '.trash'));
    expect(await readFile(join(root, '.trash', bin as string, 'sub/b'), 'utf8')).toBe('b');
  });

  it('can be undone, file by file', async () => {
    await put({ a: 'a', 'sub/b': 'bb', c: 'c' });
    const { batch, removed } = await content.remove('cs1', ['a', 'sub/b', 'gone']);
    expect(removed).toBe(2);
    await content.remove('cs1', ['c']);
    const kept = await content.removed('cs1', { offset: 0, limit: 10 });
    expect(kept.rows.map(({ name, size }) => `${name} ${size}`).sort()).toEqual(['a 1', 'c 1', 'sub/b 2']);
    expect(kept.rows.at(-1)).toMatchObject({ batch });
    expect(Math.abs(Date.now() - (kept.rows[0]?.removedMs ?? 0))).toBeLessThan(60_000);
    await rm(served, { recursive: true });
    expect(await content.restore('cs1', [{ batch, name: 'sub/b' }])).toEqual({ restored: 1, problems: [] });
    expect(await names()).toEqual(['sub/b']);
    expect(await readFile(join(served, 'sub/b'), 'utf8')).toBe('bb');
    expect((await content.removed('cs1', { offset: 0, limit: 1 })).total).toBe(2);
    await content.restore('cs1', [{ batch, name: 'a' }]);
    expect(await readdir(join(root, '.trash'))).not.toContain(batch);
  });

  it('can be made final, for one node and no other', async () => {
    await put({ a: 'a', 'sub/b': 'b', c: 'c' });
    await content.remove('cs1', ['a']);
    await content.remove('cs1', ['sub/b']);
    await put({ kept: '' }, join(root, '.trash', '2026-01-31T12-00-00-000Z-cs2'));
    expect(await content.emptyTrash('cs1')).toBe(2);
    expect((await content.removed('cs1', { offset: 0, limit: 10 })).total).toBe(0);
    expect(await readdir(join(root, '.trash'))).toEqual(['2026-01-31T12-00-00-000Z-cs2']);
    expect(await names()).toEqual(['c']);
    expect(await content.emptyTrash('cs1')).toBe(0);
  });

  it('keeps every version of a file that is removed again and again', async () => {
    for (const text of ['1', '22', '333']) {
      await put({ a: text });
      await content.remove('cs1', ['a']);
    }
    await content.remove('cs1', ['gone']);
    const { rows } = await content.removed('cs1', { offset: 0, limit: 10 });
    expect(rows.map(({ size }) => size)).toEqual([3, 2, 1]);
    expect(await readdir(join(root, '.trash'))).toHaveLength(3);
  });

  it('cannot be undone over a file that came since, nor for what was never removed from there', async () => {
    await put({ a: 'old' });
    const { batch } = await content.remove('cs1', ['a']);
    await put({ a: 'new' });
    const again = await content.restore('cs1', [
      { batch, name: 'a' },
      { batch, name: 'never' },
      { batch, name: '../a' },
      { batch: batch.replace('cs1', 'cs2'), name: 'a' },
      { batch: '..', name: 'a' },
    ]);
    expect(again.restored).toBe(0);
    expect(again.problems).toHaveLength(5);
    expect(again.problems[0]).toBe('There is another file a now.');
    expect(await readFile(join(served, 'a'), 'utf8')).toBe('new');
    expect((await content.removed('cs1', { offset: 0, limit: 10 })).rows).toHaveLength(1);
  });

  it.skipIf(process.platform === 'win32')('is not undone through a link that leads out', async () => {
    await put({ 'sub/a': 'a' });
    const { batch } = await content.remove('cs1', ['sub/a']);
    await rm(join(served, 'sub'), { recursive: true });
    await symlink(root, join(served, 'sub'));
    expect(await content.restore('cs1', [{ batch, name: 'sub/a' }])).toMatchObject({ restored: 0 });
    expect(await readdir(root)).not.toContain('a');
  });

  it('never reaches outside the folder', async () => {
    await put({ precious: 'p' }, root);
    await put({ a: 'a' });
    await expect(content.remove('cs1', ['../precious'])).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    if (process.platform !== 'win32') {
      await symlink(root, join(served, 'way-out'));
      await expect(content.remove('cs1', ['way-out/precious'])).rejects.toMatchObject({
        code: 'UNSAFE_NAME',
      });
    }
    expect(await readFile(join(root, 'precious'), 'utf8')).toBe('p');
  });
});
