/**
 * What the files of a folder hashed to when they were added, kept beside them over restarts: a disk that has gone
 * bad since is found out by it, and nothing is hashed twice.
 */
import { createHash } from 'node:crypto';
import type { FileStat, Folder } from '../../runtime/context';
import { codeOf } from '../shared/error-text';
import { readWhole, replaceWhole } from '../shared/whole-file';

/** Listed and served nowhere, since it begins with a dot. */
const NAME = '.micro-cdn-digests';
const HEAD = 'micro-cdn digests 1';
/** Well beyond a million files; anything larger is not ours. */
const MAX_BYTES = 512 * 2 ** 20;

export interface KnownDigest extends FileStat {
  /** Hex. */
  sha256: string;
}

/**
 * Empty where there is no record, or a damaged one.
 * @throws what the disk says where there is one that cannot be read now
 */
export async function readDigests(folder: Folder): Promise<Map<string, KnownDigest>> {
  const bytes = await readWhole(folder, NAME, MAX_BYTES).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'TOO_LARGE') return '';
    throw error;
  });
  const [head, ...lines] = bytes.toString().split('\n');
  if (head !== `${HEAD} ${sha256(lines.join('\n'))}`) return new Map();
  return new Map(lines.flatMap((line) => parse(line) ?? []));
}

/** Replaces the record in one step. @param writer two servers may share a folder */
export async function writeDigests(
  folder: Folder,
  digests: ReadonlyMap<string, KnownDigest>,
  writer: string,
): Promise<void> {
  const body = [...digests].map(([name, digest]) => format(name, digest)).join('\n');
  const temporary = `${NAME}.${createHash('sha256').update(writer).digest('hex').slice(0, 8)}~`;
  await replaceWhole(folder, NAME, `${HEAD} ${sha256(body)}\n${body}`, { beside: temporary });
}

function format(name: string, { size, modifiedMs, changedMs, sha256 }: KnownDigest): string {
  return `${sha256} ${size} ${modifiedMs} ${changedMs ?? '-'} ${name}`;
}

function parse(line: string): [[string, KnownDigest]] | null {
  const [, hex = '', size, modified, changed, name = ''] =
    /^([0-9a-f]{64}) (\d+) ([\d.]+) ([\d.]+|-) (.+)$/u.exec(line) ?? [];
  if (name === '') return null;
  const times = { modifiedMs: Number(modified), ...(changed === '-' ? {} : { changedMs: Number(changed) }) };
  return [[name, { size: Number(size), ...times, sha256: hex }]];
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
