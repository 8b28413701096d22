import { formatHttpDate } from '../../protocol/http/date';
import { Fields } from '../../protocol/http/fields';
import { mediaTypeOf } from '../../protocol/http/media-type';
import type { FileStat } from '../../runtime/context';
import type { HeaderRule } from './header-rules';

/** What is served under a path now. */
export interface Representation {
  /** The file's name below the folder. */
  name: string;
  size: number;
  modifiedMs: number;
  etag: string;
  /** Unix ms, whole seconds, as Last-Modified says it. */
  lastModified: number;
  fields: Fields;
}

/**
 * A strong entity tag from size and modification time, which the disk keeps to the microsecond: it changes
 * with every write without the file being read.
 */
export function entityTag({ size, modifiedMs }: FileStat): string {
  return `"${size.toString(36)}-${Math.round(modifiedMs * 1000).toString(36)}"`;
}

/**
 * @param path of the request, for the rules
 * @param links about mirrors of the file
 */
export function representationOf(
  name: string,
  path: string,
  stat: FileStat,
  rules: readonly HeaderRule[],
  now: number,
  links: readonly string[],
): Representation {
  const etag = entityTag(stat);
  // A date ahead of the clock must not be sent (RFC 9110, section 8.8.2.1).
  const lastModified = Math.floor(Math.min(stat.modifiedMs, now) / 1000) * 1000;
  const fields = Fields.of(
    ['Content-Type', mediaTypeOf(name)],
    ['Last-Modified', formatHttpDate(lastModified)],
    ['ETag', etag],
    ['Accept-Ranges', 'bytes'],
  );
  for (const link of links) fields.add('Link', link);
  for (const rule of rules) if (rule.matches(path)) fields.set(rule.name, rule.value);
  return { name, size: stat.size, modifiedMs: stat.modifiedMs, etag, lastModified, fields };
}
