import type { Digested, FilePlace, WritableFile } from './context';

/** `WritableFile.writeDigested` where the thread that digests cannot write: first the one, then the other. */
export async function digestThenWrite<Result extends Digested>(
  file: Pick<WritableFile, 'write'>,
  bytes: Uint8Array,
  position: number,
  digest: (bytes: Uint8Array, place?: FilePlace) => Promise<Result>,
): Promise<Result> {
  const result = await digest(bytes);
  await file.write(result.bytes, position);
  return result;
}
