import { parseFieldLines } from './field-lines';
import type { Fields } from './fields';
import { type Framing, requestFraming } from './framing';
import { HttpError } from './http-error';
import { isTargetText, isToken, listMembers } from './syntax';
import { isAuthority } from './target';

export interface RequestHead {
  method: string;
  /** As sent: origin, absolute, authority or asterisk form (RFC 9112, section 3.2). */
  target: string;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minor: 0 | 1;
  fields: Fields;
  framing: Framing;
  /** The client wants the connection to stay open after the reply (RFC 9112, section 9.3). */
  keepAlive: boolean;
}

/**
 * Reads a request's head (RFC 9112, section 3), every line of it with its CRLF.
 * @throws HttpError 400, 431, 501 or 505, for the client
 */
export function parseRequestHead(head: string, maxFields: number): RequestHead {
  const lineEnd = head.indexOf('\r\n');
  const line = lineEnd < 0 ? head : head.slice(0, lineEnd);
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  if (first < 1 || second < 0) throw new HttpError(400, 'The request line is not "METHOD target HTTP/1.1".');
  const method = line.slice(0, first);
  const target = line.slice(first + 1, second);
  const minor = parseVersion(line.slice(second + 1));
  if (!isToken(method) || !isTargetText(target)) {
    throw new HttpError(400, 'The request line has a character that is not allowed.');
  }
  const fields = parseFieldLines(head, lineEnd + 2, maxFields, 'refuse');
  checkHost(fields, minor);
  return {
    method,
    target,
    minor,
    fields,
    framing: requestFraming(fields, minor),
    keepAlive: wantsKeepAlive(fields, minor),
  };
}

/** @throws HttpError 505 for a version that is not spoken here, 400 for what is no version */
export function parseVersion(text: string): 0 | 1 {
  if (text === 'HTTP/1.1') return 1;
  if (text === 'HTTP/1.0') return 0;
  if (/^HTTP\/\d(?:\.\d)?$/.test(text)) throw new HttpError(505, `${text} is not supported: send HTTP/1.1.`);
  throw new HttpError(400, 'The request line does not end in a version of HTTP.');
}

/** RFC 9112, section 9.3: open unless closed in 1.1, closed unless kept alive in 1.0. */
export function wantsKeepAlive(fields: Fields, minor: 0 | 1): boolean {
  const connection = fields.get('connection');
  if (connection === undefined) return minor === 1;
  const options = listMembers(connection.toLowerCase());
  if (options.includes('close')) return false;
  return minor === 1 || options.includes('keep-alive');
}

/** RFC 9112, section 3.2: HTTP/1.1 has exactly one Host, and a malformed one is refused in any version. */
function checkHost(fields: Fields, minor: 0 | 1): void {
  const at = fields.names.indexOf('host');
  if (at < 0) {
    if (minor === 1) throw new HttpError(400, 'The field Host is missing.');
    return;
  }
  if (fields.names.indexOf('host', at + 1) >= 0) throw new HttpError(400, 'There is more than one Host.');
  const host = fields.values[at] as string;
  if (host !== '' && !isAuthority(host)) throw new HttpError(400, 'The field Host is malformed.');
}
