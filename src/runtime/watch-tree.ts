import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Timer } from './context';

/** A burst of changes ends when nothing happened for so long … */
const QUIET_MS = 40;
/** … but the callback is never held back for longer than this. */
const MAX_DELAY_MS = 400;
/**
 * A folder with more events than this in one burst is being written to, and each write is one: thousands a second.
 * Nobody listens to it then for so long, and looks at what has become of it instead.
 */
const BUSY_EVENTS = 16;
const REST_MS = 100;
/** Where the system has no watches left, the folder is simply looked at this often. */
const POLL_MS = 2000;

/**
 * Calls `onChange` after anything below `root` changed. One watch per folder: Node's own recursive watch takes
 * one per *file* on Linux, which exhausts the system's limit with large folders.
 */
export function watchTree(root: string, onChange: () => void, log: Log): Timer {
  const watchers = new Map<string, FSWatcher>();
  /** Events of the present burst, by folder. */
  const events = new Map<string, number>();
  /** Folders that nobody listens to for a while. */
  const resting = new Map<string, NodeJS.Timeout>();
  let stopped = false;
  let quiet: NodeJS.Timeout | undefined;
  let firstOfBurst = 0;
  let poll: NodeJS.Timeout | undefined;

  const report = (): void => {
    quiet = undefined;
    events.clear();
    if (stopped) return;
    void watchFolders();
    onChange();
  };
  const noticed = (): void => {
    if (stopped) return;
    const now = performance.now();
    if (quiet === undefined) firstOfBurst = now;
    else clearTimeout(quiet);
    // Nobody would notice that a folder that rests is not quiet yet.
    const wait = resting.size > 0 ? MAX_DELAY_MS : QUIET_MS;
    quiet = setTimeout(report, Math.max(0, Math.min(wait, firstOfBurst + MAX_DELAY_MS - now)));
  };
  const heard = (folder: string): void => {
    const count = (events.get(folder) ?? 0) + 1;
    events.set(folder, count);
    if (count > BUSY_EVENTS) rest(folder);
    noticed();
  };
  const rest = (folder: string): void => {
    unwatch(folder);
    const wake = (): void => {
      resting.delete(folder);
      events.delete(folder);
      watchFolder(folder);
      // What has happened meanwhile.
      noticed();
    };
    resting.set(folder, setTimeout(wake, REST_MS).unref());
  };
  const unwatch = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const pollInstead = (why: string): void => {
    if (poll !== undefined || stopped) return;
    log.warn(`The folder is looked at every ${POLL_MS / 1000} s, because it cannot be watched: ${why}`);
    poll = setInterval(onChange, POLL_MS);
  };
  const watchFolder = (folder: string): void => {
    if (watchers.has(folder) || resting.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => heard(folder));
      watcher.on('error', () => unwatch(folder));
      watchers.set(folder, watcher);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') pollInstead(message);
    }
  };
  const watchFolders = async (): Promise<void> => {
    const present = new Set<string>();
    await collectFolders(root, present);
    if (stopped) return;
    for (const folder of watchers.keys()) if (!present.has(folder)) unwatch(folder);
    const before = watchers.size;
    for (const folder of present) watchFolder(folder);
    // Files may have come into a new folder before its watch stood.
    if (before > 0 && watchers.size > before) noticed();
  };

  watchFolder(root);
  void watchFolders();
  return {
    cancel() {
      stopped = true;
      clearTimeout(quiet);
      clearInterval(poll);
      for (const waking of resting.values()) clearTimeout(waking);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

async function collectFolders(folder: string, into: Set<string>): Promise<void> {
  into.add(folder);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.'))
      await collectFolders(join(folder, entry.name), into);
  }
}
