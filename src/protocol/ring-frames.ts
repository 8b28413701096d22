/**
 * Between members of ours: many requests on one connection, of any size. The connection begins with
 * `RING/1\n`, whose first byte no JSON object has; then frames: `u32 header length`, `u32 body length` (both
 * big-endian), the header as JSON, the body as raw bytes.
 */

export const PREAMBLE = 'RING/1\n';
const MAX_HEADER = 2 * 1024 * 1024;
/** Contents travel in bodies of at most this size. */
export const MAX_BODY = 1024 * 1024;
const LENGTHS = 8;

export interface Frame {
  header: Record<string, unknown>;
  /** Valid until the handler returns. */
  body: Uint8Array;
}

export function encodeFrame(header: Record<string, unknown>, body?: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const bodyLength = body?.length ?? 0;
  const frame = Buffer.allocUnsafe(LENGTHS + text.length + bodyLength);
  frame.writeUInt32BE(text.length, 0);
  frame.writeUInt32BE(bodyLength, 4);
  text.copy(frame, LENGTHS);
  if (body) frame.set(body, LENGTHS + text.length);
  return frame;
}

/** Frames out of a stream, whatever segments they come in. */
export class FrameReader {
  #buffer = Buffer.allocUnsafe(4096);
  #filled = 0;

  /** @throws Error for what is no frame, or too large a one */
  push(bytes: Uint8Array, onFrame: (frame: Frame) => void): void {
    this.#append(bytes);
    let at = 0;
    for (let size = this.#sizeAt(at); size !== null && at + size <= this.#filled; size = this.#sizeAt(at)) {
      onFrame(this.#frame(at, size));
      at += size;
    }
    this.#buffer.copy(this.#buffer, 0, at, this.#filled);
    this.#filled -= at;
    const size = this.#sizeAt(0);
    if (size !== null) this.#reserve(size);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(this.#filled + bytes.length);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(size, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#filled);
    this.#buffer = grown;
  }

  #sizeAt(at: number): number | null {
    if (this.#filled - at < LENGTHS) return null;
    const header = this.#buffer.readUInt32BE(at);
    const body = this.#buffer.readUInt32BE(at + 4);
    if (header > MAX_HEADER || body > MAX_BODY) throw new Error('A frame is too large.');
    return LENGTHS + header + body;
  }

  #frame(at: number, size: number): Frame {
    const headerEnd = at + LENGTHS + this.#buffer.readUInt32BE(at);
    const header: unknown = JSON.parse(this.#buffer.toString('utf8', at + LENGTHS, headerEnd));
    if (typeof header !== 'object' || header === null || Array.isArray(header)) {
      throw new Error('A frame has no header.');
    }
    return {
      header: header as Record<string, unknown>,
      body: this.#buffer.subarray(headerEnd, at + size),
    };
  }
}
