import { Fields } from './fields';
import { HttpError } from './http-error';
import { isFieldValue, isToken, trimOws } from './syntax';

/** What to do with a line that continues the one before (obs-fold, RFC 9112, section 5.2). */
export type FoldedLines = 'refuse' | 'unfold';

/**
 * Reads field lines from `head` (RFC 9112, section 5), each with its CRLF, from position `at` to the end.
 * @throws HttpError 400 for what is no field line, 431 for more than `maxFields`
 */
export function parseFieldLines(head: string, at: number, maxFields: number, folded: FoldedLines): Fields {
  const fields = new Fields();
  for (let start = at; start < head.length; ) {
    const end = head.indexOf('\r\n', start);
    if (end < 0) throw new HttpError(400, 'A field line does not end in CRLF.');
    const first = head.charCodeAt(start);
    if (first === 0x20 || first === 0x09) unfold(head.slice(start, end), fields, folded);
    else addLine(head, start, end, fields);
    if (fields.size > maxFields) throw new HttpError(431, `There are more than ${maxFields} fields.`);
    start = end + 2;
  }
  return fields;
}

function addLine(head: string, start: number, end: number, fields: Fields): void {
  const colon = head.indexOf(':', start);
  if (colon < 0 || colon > end) throw new HttpError(400, 'A field line has no colon.');
  const name = head.slice(start, colon);
  // Whitespace before the colon is refused here too (RFC 9112, section 5.1): it has been used for smuggling.
  if (!isToken(name)) throw new HttpError(400, 'A field name has a character that is not allowed.');
  const value = trimOws(head.slice(colon + 1, end));
  if (!isFieldValue(value)) throw new HttpError(400, `The field ${name} has a control character.`);
  fields.add(name, value);
}

function unfold(line: string, fields: Fields, folded: FoldedLines): void {
  if (folded === 'refuse' || fields.size === 0) throw new HttpError(400, 'A field line is folded.');
  const text = trimOws(line);
  if (!isFieldValue(text)) throw new HttpError(400, 'A folded line has a control character.');
  fields.extendLast(text);
}
