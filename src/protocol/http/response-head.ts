import { parseFieldLines } from './field-lines';
import type { Fields } from './fields';
import { HttpError } from './http-error';
import { wantsKeepAlive } from './request-head';
import { isFieldValue } from './syntax';

export interface ResponseHead {
  status: number;
  reason: string;
  minor: 0 | 1;
  fields: Fields;
  /** The connection may be used again once the content has ended where its framing says. */
  keepAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

/**
 * Reads a reply's head (RFC 9112, section 4). A missing space after the status is taken, folded lines are
 * unfolded, as sections 4 and 5.2 allow.
 * @throws HttpError 502, for the client that waits behind us
 */
export function parseResponseHead(head: string, maxFields: number): ResponseHead {
  const lineEnd = head.indexOf('\r\n');
  const line = lineEnd < 0 ? head : head.slice(0, lineEnd);
  const match = STATUS_LINE.exec(line);
  const reason = match?.[3] ?? '';
  if (!match || !isFieldValue(reason))
    throw new HttpError(502, 'The reply does not begin with a status line.');
  const minor = match[1] === '1' ? 1 : 0;
  const fields = asReply(() => parseFieldLines(head, lineEnd + 2, maxFields, 'unfold'));
  return { status: Number(match[2]), reason, minor, fields, keepAlive: wantsKeepAlive(fields, minor) };
}

function asReply<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof HttpError) throw new HttpError(502, `The reply is malformed: ${error.message}`);
    throw error;
  }
}
