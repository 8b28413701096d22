/** What a person dropped, pasted or chose: files, and the files below folders, with their relative names. */

export interface NamedFile {
  /** Relative to what was dropped, with `/` between the parts: `photos/2024/a.jpg`. */
  name: string;
  file: File;
}

/** The part of the File and Directory Entries API that is used. */
export interface EntryLike {
  isFile: boolean;
  isDirectory: boolean;
  name: string;
  file?(resolve: (file: File) => void, reject: (error: unknown) => void): void;
  createReader?(): {
    readEntries(resolve: (entries: EntryLike[]) => void, reject: (error: unknown) => void): void;
  };
}

/**
 * Reads everything below `entries`. Must be given the entries of a drop event taken synchronously: a
 * DataTransfer is empty once its event is over.
 */
export async function readEntries(entries: readonly EntryLike[], folder = ''): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  for (const entry of entries) {
    const name = folder + entry.name;
    if (entry.isFile) found.push({ name, file: await fileOf(entry) });
    else if (entry.isDirectory) found.push(...(await readEntries(await childrenOf(entry), `${name}/`)));
  }
  return found;
}

function fileOf(entry: EntryLike): Promise<File> {
  return new Promise((resolve, reject) => entry.file?.(resolve, reject));
}

/** `readEntries` hands out at most 100 at a time, and an empty list at the end. */
async function childrenOf(entry: EntryLike): Promise<EntryLike[]> {
  const reader = entry.createReader?.();
  const children: EntryLike[] = [];
  while (reader) {
    const part = await new Promise<EntryLike[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) break;
    children.push(...part);
  }
  return children;
}

export function carriesFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') ?? false;
}

/** Number of files and folders at the pointer; their names are hidden until they are dropped. */
export function carriedCount(transfer: DataTransfer): number {
  return [...transfer.items].filter((item) => item.kind === 'file').length;
}

/** The files of a drop or paste. */
export function takeFiles(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries: EntryLike[] = [];
  const plain: NamedFile[] = [];
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry() as EntryLike | null;
    const file = item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) plain.push({ name: file.name, file });
  }
  return readEntries(entries).then((files) => [...plain, ...files]);
}
