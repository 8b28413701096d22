/** Recognises the messages of the five protocols by how they begin, for faults that concern some of them. */

const NEWLINE = 0x0a;
const BRACE = 0x7b;
/** A message type is looked for so far from the start. */
const WORD_BYTES = 40;
const JSON_BYTES = 1024;
/** The name of everything that does not begin with a word in capitals: bodies of files, for example. */
const DATA = 'data';

/** The first word in capitals, the "type" of a JSON object, or 'data'. */
export function messageType(bytes: Uint8Array): string {
  if (bytes[0] === BRACE) return /"type"\s*:\s*"([^"]{1,40})"/.exec(latin1(bytes, JSON_BYTES))?.[1] ?? DATA;
  return /^([A-Z][A-Z0-9_/.]*)(?=[\s]|$)/.exec(latin1(bytes, WORD_BYTES))?.[1] ?? DATA;
}

export interface Part {
  bytes: Uint8Array;
  /** Whether it belongs to a message of one of the types. */
  matches: boolean;
}

/**
 * Cuts a stream into messages of some types and the rest, line by line. A type that is cut by the end of a
 * segment is not recognised: holding bytes back until the word is complete could hold them for ever.
 */
export class MessageSplitter {
  #insideLine = false;
  #matches = false;

  split(bytes: Uint8Array, types: readonly string[]): Part[] {
    const parts: Part[] = [];
    let start = 0;
    while (start < bytes.length) {
      const line = bytes.subarray(start);
      if (!this.#insideLine) this.#matches = types.includes(messageType(line));
      // A JSON message has no end but that of its segment.
      const newline = line[0] === BRACE && !this.#insideLine ? -1 : line.indexOf(NEWLINE);
      const length = newline === -1 ? line.length : newline + 1;
      this.#insideLine = newline === -1 && line[0] !== BRACE;
      const last = parts.at(-1);
      const joins = last !== undefined && !last.matches && !this.#matches;
      if (joins) last.bytes = bytes.subarray(start - last.bytes.length, start + length);
      else parts.push({ bytes: line.subarray(0, length), matches: this.#matches });
      start += length;
    }
    return parts;
  }
}

function latin1(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}
