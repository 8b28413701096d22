/**
 * The ring's messages as the seed has them: one UTF-8 JSON object per connection, in one segment. A foreign
 * program reads 1024 bytes once, so what goes to one stays below that.
 */

/** A foreign program reads this many bytes, once. */
export const FOREIGN_LIMIT = 1024;
export const NOT_FOUND = '404 NOT FOUND';
export const STORED = '200 OK';

export interface ItemContent {
  item: string;
  content: string;
}

export type RingMessage =
  | { type: 'GET'; data: string }
  | { type: 'GET'; data: ItemContent }
  | { type: 'PUT'; data: ItemContent }
  | { type: 'PUT'; data: { item: string; status: string } }
  /** To the predecessor: let this address into the circle after you. No reply. */
  | { type: 'INSERT'; data: string }
  /** Are you there? Without reply in the seed; a member of ours answers with a `CheckReply`. */
  | { type: 'CHECK' }
  /**
   * The list of members; travels the circle and stops at its creator. The seed's text calls this message CHECK
   * and its programs call it UPDATE: either word is taken, and passed on as it came.
   */
  | { creator: string; type: 'UPDATE' | 'CHECK'; data: string[] }
  | { creator: string; type: 'FORWARD_PUT' | 'FORWARD_GET'; data: ItemContent };

/** Extension: what a member of ours answers to a CHECK. A foreign program never reads it. */
export interface CheckReply {
  address: string;
  /** Names of the circle: one for each circle that has grown into it. */
  rings: string[];
}

export function encodeMessage(message: RingMessage): string {
  return JSON.stringify(message);
}

export function encodeCheckReply(data: CheckReply): string {
  return JSON.stringify({ type: 'CHECK', data });
}

/** Parses one JSON object; null when it is no message of the ring. Further keys are ignored. */
export function parseMessage(text: string): RingMessage | null {
  const value = parseObject(text);
  if (!value || typeof value.type !== 'string') return null;
  const { creator, data } = value;
  switch (value.type) {
    case 'GET':
      if (isName(data)) return { type: 'GET', data };
      return isItemContent(data) ? { type: 'GET', data: pick(data) } : null;
    case 'PUT':
      if (isItemContent(data)) return { type: 'PUT', data: pick(data) };
      return isStatus(data) ? { type: 'PUT', data: { item: data.item, status: data.status } } : null;
    case 'INSERT':
      return isAddress(data) ? { type: 'INSERT', data } : null;
    case 'CHECK':
    case 'UPDATE':
      if (isAddress(creator) && isAddressList(data)) return { creator, type: value.type, data };
      return value.type === 'CHECK' ? { type: 'CHECK' } : null;
    case 'FORWARD_PUT':
      return isAddress(creator) && isItemContent(data)
        ? { creator, type: 'FORWARD_PUT', data: pick(data) }
        : null;
    case 'FORWARD_GET':
      return isAddress(creator) ? forwardGet(creator, data) : null;
    default:
      return null;
  }
}

/** A FORWARD_GET that has not found its item yet may come without content, or as a bare name. */
function forwardGet(creator: string, data: unknown): RingMessage | null {
  if (isName(data)) return { creator, type: 'FORWARD_GET', data: { item: data, content: '' } };
  if (typeof data !== 'object' || data === null || !('item' in data) || !isName(data.item)) return null;
  const content = 'content' in data && typeof data.content === 'string' ? data.content : '';
  return { creator, type: 'FORWARD_GET', data: { item: data.item, content } };
}

export function parseCheckReply(text: string): CheckReply | null {
  const value = parseObject(text);
  const data = value?.type === 'CHECK' ? value.data : null;
  if (typeof data !== 'object' || data === null || !('address' in data) || !('rings' in data)) return null;
  const { address, rings } = data;
  if (!isAddress(address) || !Array.isArray(rings) || rings.length > MAX_RINGS) return null;
  return rings.every((ring) => typeof ring === 'string' && ring.length <= 64) ? { address, rings } : null;
}

/** Names that a circle can carry. */
export const MAX_RINGS = 32;
const MAX_NAME = 1024;
/** Members of a circle; a longer list is refused. */
export const MAX_MEMBERS = 1024;

/** `ip:port`, `[v6]:port` or `host:port`. */
export function isAddress(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > 261) return false;
  const port = /^(?:\[[0-9a-fA-F:.%]+\]|[^:\s[\]/]+):(\d{1,5})$/.exec(value)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

function isAddressList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_MEMBERS && value.every(isAddress);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME;
}

function isItemContent(value: unknown): value is ItemContent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'item' in value &&
    isName(value.item) &&
    'content' in value &&
    typeof value.content === 'string'
  );
}

function isStatus(value: unknown): value is { item: string; status: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'item' in value &&
    isName(value.item) &&
    'status' in value &&
    typeof value.status === 'string'
  );
}

function pick({ item, content }: ItemContent): ItemContent {
  return { item, content };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d, 0x00]);

/**
 * Finds JSON objects in a stream, whatever segments they come in: an object ends where its last brace closes.
 * Each byte is looked at once.
 */
export class JsonReader {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `onObject` with the text of each complete object. False: what comes is no object, or too long. */
  push(bytes: Uint8Array, onObject: (text: string) => void): boolean {
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (this.#depth === 0 && byte !== OPEN) {
        if (!SPACES.has(byte)) return false;
        from = at + 1;
        continue;
      }
      if (!this.#closes(byte)) continue;
      const text = this.#take(bytes.subarray(from, at + 1));
      if (text === null) return false;
      onObject(text);
      from = at + 1;
    }
    if (from === bytes.length) return true;
    this.#length += bytes.length - from;
    this.#pieces.push(Uint8Array.from(bytes.subarray(from)));
    return this.#length <= this.#maxBytes;
  }

  /** Follows the nesting; true at the brace that closes the object. */
  #closes(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN) this.#depth++;
    else if (byte === CLOSE) return --this.#depth === 0;
    return false;
  }

  #take(last: Uint8Array): string | null {
    const whole = Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#length = 0;
    return whole.length > this.#maxBytes ? null : whole.toString('utf8');
  }
}
