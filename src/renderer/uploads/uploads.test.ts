import { describe, expect, it } from 'vitest';
import type { TaskView } from '../../contract/events';
import { Store } from '../store';
import { type EntryLike, readEntries } from './dropped';
import { TaskEnds } from './task-ends';
import { UploadQueue } from './upload-queue';

const upload = (uploadId: string) => ({ uploadId, task: 'task-1', file: new Blob([uploadId]) });
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('UploadQueue', () => {
  it('sends a few at a time, in order', async () => {
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const queue = new UploadQueue(({ uploadId }) => {
      started.push(uploadId);
      return new Promise((resolve) => ends.push(() => resolve('done')));
    }, 2);
    const all = queue.add(['a', 'b', 'c', 'd'].map(upload));
    expect(started).toEqual(['a', 'b']);
    ends[0]?.();
    await settled();
    expect(started).toEqual(['a', 'b', 'c']);
    for (let i = 1; i < 4; i++) {
      ends[i]?.();
      await settled();
    }
    await all;
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on after a failure, and counts what was cancelled as none', async () => {
    const sent: string[] = [];
    const queue = new UploadQueue(async ({ uploadId }) => {
      if (uploadId === 'b') throw new Error('The disk is full.');
      if (uploadId === 'd') return 'cancelled';
      sent.push(uploadId);
      return 'done';
    }, 1);
    expect(await queue.add(['a', 'b', 'c', 'd'].map(upload))).toEqual({
      done: 2,
      cancelled: 1,
      failed: 1,
      problem: 'The disk is full.',
    });
    expect(sent).toEqual(['a', 'c']);
  });
});

describe('TaskEnds', () => {
  const taskIn = (phase: TaskView['phase']) => ({ tasks: new Map([['t', { phase } as TaskView]]) });

  it('waits for the end of a task, which may be told after what it caused', async () => {
    const store = new Store<{ tasks: Map<string, TaskView> } | null>(taskIn('running'));
    const end = new TaskEnds(store, () => undefined).of('t');
    store.set(taskIn('cancelled'));
    expect(await end).toBe('cancelled');
    expect(await new TaskEnds(store, () => undefined).of('t')).toBe('cancelled');
  });

  it('does not wait for ever', async () => {
    const store = new Store<{ tasks: Map<string, TaskView> } | null>(taskIn('running'));
    let giveUp = (): void => undefined;
    const end = new TaskEnds(store, (_ms, run) => {
      giveUp = run;
    }).of('t');
    giveUp();
    expect(await end).toBe('running');
  });
});

describe('readEntries', () => {
  const file = (name: string): EntryLike => ({
    isFile: true,
    isDirectory: false,
    name,
    file: (resolve) => resolve(new File([], name)),
  });
  const folder = (name: string, children: EntryLike[], atOnce = 100): EntryLike => ({
    isFile: false,
    isDirectory: true,
    name,
    createReader: () => {
      const left = [...children];
      return { readEntries: (resolve) => resolve(left.splice(0, atOnce)) };
    },
  });

  it('reads folders to the bottom, with the names below what was dropped', async () => {
    const found = await readEntries([
      file('a.txt'),
      folder('photos', [file('b.jpg'), folder('old', [file('c.jpg')])]),
    ]);
    expect(found.map(({ name }) => name)).toEqual(['a.txt', 'photos/b.jpg', 'photos/old/c.jpg']);
  });

  it('asks again until a folder has no more: it is handed out in parts', async () => {
    const many = Array.from({ length: 250 }, (_, i) => file(`${i}`));
    expect(await readEntries([folder('many', many)])).toHaveLength(250);
  });

  it('fails when a file cannot be read', async () => {
    const broken = {
      ...file('x'),
      file: (_ok: unknown, fail: (error: unknown) => void) => fail(new Error('gone')),
    };
    await expect(readEntries([broken])).rejects.toThrow('gone');
  });
});
