import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { StudioEvent } from '../contract/events';
import { settingsSchema } from '../contract/settings';
import { scratchFolder } from '../testing/scratch-folder';
import { EventHub } from './events/event-hub';
import { parseSettings, SettingsStore } from './settings';

let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});

const load = (hub = new EventHub(() => undefined)) => SettingsStore.load(folder, hub);

it('keeps what was set, and everything else as it was', async () => {
  const first = await load();
  first.set({ theme: 'dark' });
  first.set({ stopDeadlineMs: 700 });
  first.set({ animate: false });
  await first.flush();
  expect((await load()).current).toEqual({
    ...settingsSchema.parse({}),
    theme: 'dark',
    stopDeadlineMs: 700,
    animate: false,
  });
  expect(await readdir(folder)).toEqual(['settings.json']);
});

it('takes every valid value of a file that has others', () => {
  const text = JSON.stringify({ theme: 'dark', stopDeadlineMs: 'soon', unknown: 1 });
  expect(parseSettings(text)).toEqual({ ...settingsSchema.parse({}), theme: 'dark' });
});

it('puts a file aside that is no settings file, and says so', async () => {
  await writeFile(join(folder, 'settings.json'), '{"theme":');
  const hub = new EventHub(() => undefined);
  const store = await load(hub);
  expect(store.current).toEqual(settingsSchema.parse({}));
  expect(await readFile(join(folder, 'settings.json.broken-1'), 'utf8')).toBe('{"theme":');
  const notice = await new Promise<StudioEvent | undefined>((resolve) => {
    hub.open({ onBatch: ({ events }) => resolve(events[0]) }).snapshotTaken();
  });
  expect(notice).toMatchObject({ type: 'notice', notice: { level: 'warning' } });
});
