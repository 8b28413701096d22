import type { Folder, WritableFile } from '../../runtime/context';
import { replaceWhole } from '../shared/whole-file';
import type { StoredItem } from './item-table';
import { isItemVersion } from './item-version';
import { readText } from './read-text';

const FILE = '.ring/journal.jsonl';

/** The versions of the items on the disk: one JSON object per line, the newest of an item last. */
export class ItemJournal {
  private constructor(readonly file: WritableFile) {}

  /** What was recorded, each item once; empty where nothing was. */
  static async read(folder: Folder): Promise<StoredItem[]> {
    const items = new Map<string, StoredItem>();
    for (const line of ((await readText(folder, FILE)) ?? '').split('\n')) {
      const item = parseLine(line);
      if (item) items.set(item.name, item);
    }
    return [...items.values()];
  }

  /** Begins anew with these items, so that the journal does not grow for ever. */
  static async begin(folder: Folder, items: readonly StoredItem[]): Promise<ItemJournal> {
    await replaceWhole(folder, FILE, items.map(lineOf).join(''));
    return new ItemJournal(await folder.create(FILE));
  }

  async record(item: StoredItem): Promise<void> {
    await this.file.write(Buffer.from(lineOf(item)), this.file.size);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

function lineOf(item: StoredItem): string {
  return `${JSON.stringify(item)}\n`;
}

function parseLine(line: string): StoredItem | null {
  try {
    const value = JSON.parse(line) as StoredItem;
    const usable =
      isItemVersion(value) && typeof value.file === 'string' && typeof value.modifiedMs === 'number';
    return usable ? value : null;
  } catch {
    return null; // the last line of a process that was killed while it wrote
  }
}
