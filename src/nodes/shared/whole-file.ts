/** Files that are read or replaced as a whole. */
import type { Folder, ReadableFile } from '../../runtime/context';

/** Fills `into` from `position`. @throws an error of code 'CHANGED' when the file ends before */
export async function readFully(
  file: Pick<ReadableFile, 'read'>,
  into: Uint8Array,
  position: number,
): Promise<void> {
  const read = await readSome(file, into, position);
  if (read < into.length) throw Object.assign(new Error('The file has become shorter.'), { code: 'CHANGED' });
}

/**
 * All bytes of a file; fewer when it becomes shorter meanwhile.
 * @throws an error of code 'TOO_LARGE' when they are more than `maxBytes`, 'ENOENT' when there is no such file
 */
export async function readWhole(folder: Folder, name: string, maxBytes: number): Promise<Buffer> {
  const file = await folder.open(name);
  try {
    if (file.size > maxBytes) {
      const text = `${name} has ${file.size} bytes, which is more than the ${maxBytes} that are read.`;
      throw Object.assign(new Error(text), { code: 'TOO_LARGE' });
    }
    const bytes = Buffer.allocUnsafe(file.size);
    return bytes.subarray(0, await readSome(file, bytes, 0));
  } finally {
    await file.close();
  }
}

/**
 * Gives a file other bytes in one step, so that a kill in the middle leaves the former ones.
 * @param options `beside`: where they are written first; `synced`: they outlast a power cut
 */
export async function replaceWhole(
  folder: Folder,
  name: string,
  content: string,
  { beside = `${name}~`, synced = false }: { beside?: string; synced?: boolean } = {},
): Promise<void> {
  const file = await folder.create(beside, { truncate: true });
  try {
    await file.write(Buffer.from(content), 0);
    if (synced) await file.sync();
  } finally {
    await file.close();
  }
  await folder.rename(beside, name);
}

/** One read may bring less than was asked for. Resolves to what there is up to the end of the file. */
async function readSome(
  file: Pick<ReadableFile, 'read'>,
  into: Uint8Array,
  position: number,
): Promise<number> {
  let done = 0;
  for (let read = -1; read !== 0 && done < into.length; done += read)
    read = await file.read(into.subarray(done), position + done);
  return done;
}
