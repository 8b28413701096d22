import { multipartByteranges } from '../../protocol/http/byteranges';
import { notModifiedFields } from '../../protocol/http/cache/validation';
import { evaluateConditions, ifRangeHolds } from '../../protocol/http/conditional';
import type { Fields } from '../../protocol/http/fields';
import { type ByteRange, formatContentRange, selectRanges } from '../../protocol/http/range';
import type { RequestHead } from '../../protocol/http/request-head';
import type { Entry } from './entry';

/** What to send of a stored reply. */
export type Selection =
  | { status: number; fields: Fields; range: ByteRange | 'all' }
  | {
      status: 206;
      fields: Fields;
      range: 'many';
      parts: { head: string; range: ByteRange }[];
      end: string;
      length: number;
    }
  /** No content: 304, 416. */
  | { status: number; fields: Fields; range: 'none' }
  /** The request wants bytes of a partial reply that are not there. */
  | 'missing';

/**
 * Chooses what of an entry answers a request: conditions first (RFC 9111, section 4.3.2), then ranges. Only a
 * stored 200 (or parts of one) is subject to either.
 * @param from the reply's fields
 * @param now Unix ms
 * @param boundary for multipart/byteranges
 */
export function selectFrom(
  entry: Entry,
  from: Fields,
  request: RequestHead,
  now: number,
  boundary: string,
): Selection {
  const { meta } = entry;
  const fields = from.copy();
  if (meta.status !== 200) return { status: meta.status, fields, range: 'all' };
  const { etag } = entry;
  const lastModified = entry.lastModified ?? entry.date;
  const outcome = evaluateConditions(
    request.method,
    request.fields,
    { etag, lastModified, exists: true },
    now,
  );
  // 'failed' is about If-Match and the like, which only the origin can tell (section 4.3.2): it has answered 200.
  if (outcome === 'not-modified')
    return { status: 304, fields: notModifiedFields(meta.fields), range: 'none' };
  const size = entry.partial?.size ?? entry.content.length;
  const wanted = request.method === 'GET' && size !== undefined ? request.fields.first('range') : undefined;
  const validators = { etag, lastModified: entry.lastModified, exists: true };
  const honoured = wanted !== undefined && ifRangeHolds(request.fields, validators, entry.date, now);
  const ranges = honoured ? selectRanges(wanted, size as number) : null;
  if (ranges === null) return entry.partial ? 'missing' : { status: 200, fields, range: 'all' };
  if (ranges === 'unsatisfiable') {
    return {
      status: 416,
      fields: fields.copy(() => false).add('Content-Range', `bytes */${size}`),
      range: 'none',
    };
  }
  if (entry.partial && !ranges.every((range) => entry.partial?.covers(range))) return 'missing';
  const [first] = ranges as [ByteRange];
  if (ranges.length === 1) {
    fields.set('Content-Range', formatContentRange(first, size as number));
    return { status: 206, fields, range: first };
  }
  const type = fields.first('content-type') ?? 'application/octet-stream';
  const multipart = multipartByteranges(ranges, size as number, type, boundary);
  fields.set('Content-Type', multipart.contentType);
  return {
    status: 206,
    fields,
    range: 'many',
    parts: multipart.parts,
    end: multipart.end,
    length: multipart.length,
  };
}
