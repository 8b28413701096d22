import type { Fields } from './fields';
import { HttpError } from './http-error';
import { hasNoContent } from './status';
import { isDigits, listMembers } from './syntax';

/** How the end of the content is found (RFC 9112, section 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

const none: Framing = { kind: 'none' };
const chunked: Framing = { kind: 'chunked' };
const untilClose: Framing = { kind: 'until-close' };

/**
 * Framing of a request. Everything that two readers might take in two ways is refused, because requests are
 * smuggled that way (RFC 9112, section 11.2).
 * @throws HttpError 400, or 501 for a transfer coding other than chunked
 */
export function requestFraming(fields: Fields, minor: number): Framing {
  const coding = fields.get('transfer-encoding');
  const lengths = fields.has('content-length');
  if (coding === undefined) {
    if (!lengths) return none;
    const values = fields.all('content-length');
    if (values.length > 1) throw new HttpError(400, 'There is more than one Content-Length.');
    const length = contentLength(values[0] as string);
    if (length === null) throw new HttpError(400, 'Content-Length is not a number.');
    return { kind: 'length', length };
  }
  if (lengths) throw new HttpError(400, 'Content-Length and Transfer-Encoding exclude each other.');
  if (minor === 0) throw new HttpError(400, 'HTTP/1.0 has no Transfer-Encoding.');
  const codings = listMembers(coding.toLowerCase());
  if (codings.length === 1 && codings[0] === 'chunked') return chunked;
  if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') !== codings.length - 1) {
    throw new HttpError(400, 'Transfer-Encoding does not end in one "chunked".');
  }
  throw new HttpError(501, `The transfer coding ${codings[0]} is not supported.`);
}

/**
 * Framing of a reply to `method`. A coding other than chunked is left in place, up to the end of the connection.
 * @throws HttpError 502 for lengths that contradict each other or are no numbers
 */
export function responseFraming(method: string, status: number, fields: Fields): Framing {
  if (method === 'HEAD' || hasNoContent(status)) return none;
  const coding = fields.get('transfer-encoding');
  if (coding !== undefined) {
    return listMembers(coding.toLowerCase()).at(-1) === 'chunked' ? chunked : untilClose;
  }
  const values = fields.all('content-length').flatMap(listMembers);
  if (values.length === 0) return untilClose;
  const length = contentLength(values[0] as string);
  if (length === null || values.some((value) => value !== values[0])) {
    throw new HttpError(502, 'The Content-Length of the reply is invalid.');
  }
  return { kind: 'length', length };
}

function contentLength(text: string): number | null {
  const length = isDigits(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(length) ? length : null;
}
