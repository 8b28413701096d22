/**
 * What a killed download leaves behind beside its `.part` file: which pieces are there. Pieces are on the disk before
 * they are recorded, so that a later run trusts the record and hashes nothing again.
 */
import { isPriority, type Priority } from '../../contract/priority';
import { PieceMap } from '../../protocol/pieces/piece-map';
import type { Folder } from '../../runtime/context';
import { readWhole, replaceWhole } from '../shared/whole-file';

/** A record of a file of 4 TiB is 175 KB; anything larger is not ours. */
const MAX_RECORD_BYTES = 1024 * 1024;

/** Which file it is; a record of another one is worth nothing. */
export interface RecordedIdentity {
  /** The root hash, a digest or a validator, with its sort: 'root:…', 'sha-256:…', 'etag:…'. */
  identity: string;
  size: number;
  pieceSize: number;
}

export interface KeptState {
  pieces: PieceMap;
  /** As a person last chose it. */
  priority: Priority;
}

/** `a/b.bin` → `a/.b.bin.pieces`, which is listed nowhere. */
export function recordName(name: string): string {
  const cut = name.lastIndexOf('/') + 1;
  return `${name.slice(0, cut)}.${name.slice(cut)}.pieces`;
}

/** Null when there is no record of this very file. */
export async function readRecord(
  folder: Folder,
  name: string,
  expected: RecordedIdentity,
): Promise<KeptState | null> {
  try {
    const bytes = await readWhole(folder, recordName(name), MAX_RECORD_BYTES);
    const record = JSON.parse(bytes.toString()) as Partial<
      RecordedIdentity & { pieces: string; priority: string }
    >;
    const same =
      record.identity === expected.identity &&
      record.size === expected.size &&
      record.pieceSize === expected.pieceSize &&
      typeof record.pieces === 'string';
    if (!same) return null;
    const count = Math.ceil(expected.size / expected.pieceSize);
    const pieces = PieceMap.fromBytes(Buffer.from(record.pieces as string, 'base64'), count);
    return pieces && { pieces, priority: isPriority(record.priority) ? record.priority : 'normal' };
  } catch {
    return null;
  }
}

/**
 * Replaces the record in one step, so that a kill in the middle leaves the former one.
 * @param state `pieces` as a PieceMap writes itself
 */
export async function writeRecord(
  folder: Folder,
  name: string,
  identity: RecordedIdentity,
  state: { pieces: Uint8Array; priority: Priority },
): Promise<void> {
  const record = { ...identity, ...state, pieces: Buffer.from(state.pieces).toString('base64') };
  await replaceWhole(folder, recordName(name), JSON.stringify(record));
}

export async function removeRecord(folder: Folder, name: string): Promise<void> {
  await folder.remove(recordName(name)).catch(() => {});
}
