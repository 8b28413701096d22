import type { Folder } from '../../runtime/context';

/** The whole text of a file; undefined when it cannot be read. */
export async function readText(folder: Folder, name: string): Promise<string | undefined> {
  try {
    const file = await folder.open(name);
    const bytes = Buffer.alloc(file.size);
    const read = await file.read(bytes, 0).finally(() => file.close());
    return bytes.toString('utf8', 0, read);
  } catch {
    return undefined;
  }
}

/** Writes a text beside the file and puts it in its place, so that a crash leaves the old one or the new one. */
export async function replaceText(folder: Folder, name: string, text: string): Promise<void> {
  const beside = `${name}.part`;
  const file = await folder.create(beside, { truncate: true });
  await file.write(Buffer.from(text), 0).finally(() => file.close());
  await folder.rename(beside, name);
}
