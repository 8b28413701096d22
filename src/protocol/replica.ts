/**
 * The replica balancer's packets: a page goes to a client stop-and-wait, in payloads of at most 512 bytes,
 * over a TCP connection.
 *
 * A packet is `u32 sequence`, `u32 acknowledgement` (both in the sender's native order, which is little-endian
 * on every machine the foreign programs run on), `u32 flags` (big-endian) and 0–512 bytes of payload. There is
 * no length field: who sends waits for the answer before the next packet, and one receive of 524 bytes is one
 * packet. Payload lengths enter the numbers as `33 + length`, the size of a bytes object in the language of the
 * first implementation; the numbers wrap at 2³².
 *
 * **Extensions.** Whether a replica is one of ours is asked by a datagram to the same port number
 * (`encodeProbe`), beside the connection: a foreign replica has no socket there and notices nothing. A client
 * that has had the answer marks its next packet with `BULK`, and the replica sends the rest of the page in one
 * piece (`encodeBulkHead`). Towards a program that is not known as ours every byte is the seed's.
 */

export const HEADER_BYTES = 12;
export const MAX_PAYLOAD = 512;
export const MAX_PACKET = HEADER_BYTES + MAX_PAYLOAD;

/** What a payload of n bytes adds to the acknowledgement: n + 33. */
const PAYLOAD_OVERHEAD = 33;
/** The first packet of a client carries this sequence number. */
const FIRST_CLIENT_SEQUENCE = 12_345;

export const FIN = 1;
export const SYN = 2;
export const ACK = 4;
/** Extension: the client takes, or the replica sends, the rest of the page in one piece. */
export const BULK = 0x100;
/** Extension: a balancer's connection that stays open, to learn at once that the replica is gone. */
export const WATCH = 0x200;
/** Extension: a datagram that asks how the replica is, and its answer. */
export const PROBE = 0x400;

export interface Header {
  /** u32. */
  sequence: number;
  /** u32. */
  acknowledgement: number;
  /** `FIN | SYN | ACK | …` */
  flags: number;
}

export interface Packet extends Header {
  /** 0–512 bytes. */
  payload: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** @throws RangeError when the payload is longer than 512 bytes */
export function encodePacket({ sequence, acknowledgement, flags, payload }: Packet): Uint8Array {
  if (payload.length > MAX_PAYLOAD) throw new RangeError(`A payload has at most ${MAX_PAYLOAD} bytes.`);
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sequence, true);
  view.setUint32(4, acknowledgement, true);
  view.setUint32(8, flags, false);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** The packet that one receive brought; null when it is too short or too long. The payload is a view. */
export function decodePacket(bytes: Uint8Array): Packet | null {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_PACKET) return null;
  return { ...readHeader(bytes), payload: bytes.subarray(HEADER_BYTES) };
}

function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    sequence: view.getUint32(0, true),
    acknowledgement: view.getUint32(4, true),
    flags: view.getUint32(8, false),
  };
}

/** Balancer → client, unprompted: the address of the replica to use, as ASCII. */
export function encodeAssignment(address: string): Uint8Array {
  return encodePacket({
    sequence: 1,
    acknowledgement: 1,
    flags: SYN,
    payload: Buffer.from(address, 'ascii'),
  });
}

/** The address in a balancer's packet; null when it is no such packet. Trailing NULs and spaces are dropped. */
export function decodeAssignment(bytes: Uint8Array): string | null {
  const packet = decodePacket(bytes);
  if (!packet || (packet.flags & SYN) === 0) return null;
  const address = Buffer.from(packet.payload)
    .toString('latin1')
    .replace(/[\0\s]+$/, '');
  return /^[\x21-\x7e]{1,255}$/.test(address) ? address : null;
}

/** Client → replica: the first packet, which asks for the page. */
export function encodeRequest(): Uint8Array {
  return encodePacket({ sequence: FIRST_CLIENT_SEQUENCE, acknowledgement: 0, flags: SYN, payload: EMPTY });
}

/** Replica → client: a part of the page, in reply to the client's `request` or last answer. */
export function encodePart(request: Header, payload: Uint8Array, last: boolean): Uint8Array {
  return encodePacket({ ...replyTo(request), flags: last ? SYN | FIN : SYN, payload });
}

function replyTo(request: Header): Pick<Header, 'sequence' | 'acknowledgement'> {
  return { sequence: request.acknowledgement, acknowledgement: (request.sequence + 1) >>> 0 };
}

/** Client → replica: answers a part; `takeBulk` only towards a replica of ours. */
export function encodeAnswer(part: Header, payloadLength: number, takeBulk = false): Uint8Array {
  const last = (part.flags & FIN) !== 0;
  return encodePacket({
    sequence: part.acknowledgement,
    acknowledgement: (part.sequence + PAYLOAD_OVERHEAD + payloadLength) >>> 0,
    flags: ACK | (last ? FIN : 0) | (takeBulk && !last ? BULK : 0),
    payload: EMPTY,
  });
}

/** Bytes of SHA-256 that follow the bulk bytes: the hash of the whole page. */
export const BULK_TRAILER = 32;
const BULK_HEAD = HEADER_BYTES + 8;

/**
 * Replica → client, extension: a packet with `SYN | FIN | BULK` and the number of bytes that are left as u64
 * big-endian; then that many bytes; then the SHA-256 of the whole page. The client answers with `ACK | FIN`.
 */
export function encodeBulkHead(answer: Header, remaining: number): Uint8Array {
  const payload = new Uint8Array(8);
  new DataView(payload.buffer).setBigUint64(0, BigInt(remaining));
  return encodePacket({ ...replyTo(answer), flags: SYN | FIN | BULK, payload });
}

/** What a replica of ours tells a prober. */
export interface ReplicaStatus {
  /** Clients being served now. */
  load: number;
  /** Size of the page. */
  bytes: number;
  /** It takes no new clients. */
  draining: boolean;
}

/** Extension, a datagram: how are you? The answer names the same `nonce` (u32). */
export function encodeProbe(nonce: number): Uint8Array {
  return encodePacket({ sequence: nonce, acknowledgement: 0, flags: PROBE, payload: EMPTY });
}

/** The nonce of a probe; null when the datagram is none. */
export function decodeProbe(datagram: Uint8Array): number | null {
  const packet = decodePacket(datagram);
  return packet?.flags === PROBE ? packet.sequence : null;
}

/** The answer to a probe: `LOAD <clients> PAGE <bytes>`, with FIN when the replica is draining. */
export function encodeProbeReply(nonce: number, { load, bytes, draining }: ReplicaStatus): Uint8Array {
  const payload = Buffer.from(`LOAD ${load} PAGE ${bytes}`, 'ascii');
  return encodePacket({
    sequence: nonce,
    acknowledgement: (nonce + 1) >>> 0,
    flags: PROBE | ACK | (draining ? FIN : 0),
    payload,
  });
}

export function decodeProbeReply(datagram: Uint8Array): { nonce: number; status: ReplicaStatus } | null {
  const packet = decodePacket(datagram);
  if (!packet || (packet.flags & ~FIN) !== (PROBE | ACK)) return null;
  const match = /^LOAD (\d{1,9}) PAGE (\d{1,15})$/.exec(Buffer.from(packet.payload).toString('latin1'));
  if (!match) return null;
  const draining = (packet.flags & FIN) !== 0;
  return {
    nonce: packet.sequence,
    status: { load: Number(match[1]), bytes: Number(match[2]), draining },
  };
}

/** Extension, balancer → replica of ours, on a connection that stays open: "are you there?" */
export function encodeWatch(nonce: number): Uint8Array {
  return encodePacket({ sequence: nonce, acknowledgement: 0, flags: WATCH, payload: EMPTY });
}

/** The answer to a watch packet, also sent unasked when the replica begins to drain (FIN). */
export function encodeWatchReply(nonce: number, draining: boolean): Uint8Array {
  const flags = WATCH | ACK | (draining ? FIN : 0);
  return encodePacket({ sequence: nonce, acknowledgement: (nonce + 1) >>> 0, flags, payload: EMPTY });
}

/**
 * Headers out of a stream of packets without payload, whatever segments they come in. With `single`, what
 * follows a header in the same segment is taken for its payload and dropped: a peer that waits for answers
 * sends nothing else there.
 */
export class HeaderReader {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #filled = 0;

  push(bytes: Uint8Array, onHeader: (header: Header) => void, single = false): void {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, HEADER_BYTES - this.#filled);
      this.#header.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled < HEADER_BYTES) return;
      this.#filled = 0;
      onHeader(readHeader(this.#header));
      if (single) return;
    }
  }
}

export interface PageSink {
  /** A piece of the page, in order. The bytes are lent until this returns. */
  page(bytes: Uint8Array): void;
  /** To be sent to the replica. */
  answer(bytes: Uint8Array): void;
  /** Everything has come, and been answered; with the SHA-256 that a replica of ours sent. */
  done(sha256: Uint8Array | null): void;
}

/**
 * The client's side: takes the replica's bytes in whatever segments they come.
 *
 * Without a length field, the end of a packet is known in two ways: it is full (524 bytes), or it is the last
 * one (FIN). A last packet is answered at once; more bytes of it may follow, so the page is complete only
 * when the connection ends or stays quiet: `finish`. A packet that is neither full nor last is either cut by the
 * network or sent short by its replica, which waits for the answer: the caller waits a moment, then says
 * `acceptShort`.
 */
export class PageReceiver {
  readonly #sink: PageSink;
  readonly #packet = new Uint8Array(MAX_PACKET);
  #filled = 0;
  #lastPart = false;
  #bulk: { head: Header; left: number } | undefined;
  readonly #trailer = new Uint8Array(BULK_TRAILER);
  #trailerFilled = 0;
  #done = false;
  /** Set once the replica is known for one of ours. */
  takeBulk = false;

  constructor(sink: PageSink) {
    this.#sink = sink;
  }

  /** A packet has begun that may be complete although it is not full; see `acceptShort`. */
  get undecided(): boolean {
    if (this.#filled < HEADER_BYTES || this.#lastPart) return false;
    return (readHeader(this.#packet).flags & BULK) === 0;
  }

  /** The last packet is here and answered: only `finish` is missing. */
  get answeredLast(): boolean {
    return this.#lastPart;
  }

  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0 && !this.#done) rest = this.#bulk ? this.#takeBulk(rest) : this.#takePacket(rest);
    if (this.undecided && readHeader(this.#packet).flags & FIN) this.#part();
  }

  /** Takes what is here for a whole packet. */
  acceptShort(): void {
    if (this.undecided) this.#part();
  }

  /** The connection has ended, or is quiet after the last packet. False when the page is not complete. */
  finish(): boolean {
    if (this.#lastPart && !this.#done) this.#complete(null);
    return this.#done;
  }

  #takePacket(bytes: Uint8Array): Uint8Array {
    if (this.#lastPart) {
      // The rest of a last packet that the network had cut.
      const more = bytes.subarray(0, MAX_PACKET - this.#filled);
      this.#filled += more.length;
      if (more.length > 0) this.#sink.page(more);
      return EMPTY;
    }
    const taken = bytes.subarray(0, this.#limit() - this.#filled);
    this.#packet.set(taken, this.#filled);
    this.#filled += taken.length;
    if (this.#filled >= HEADER_BYTES) this.#inspect();
    return bytes.subarray(taken.length);
  }

  /** How far to fill before looking: the header first, then what its flags call for. */
  #limit(): number {
    if (this.#filled < HEADER_BYTES) return HEADER_BYTES;
    return readHeader(this.#packet).flags & BULK ? BULK_HEAD : MAX_PACKET;
  }

  #inspect(): void {
    const header = readHeader(this.#packet);
    if (header.flags & BULK) {
      if (this.#filled === BULK_HEAD) this.#beginBulk(header);
    } else if (this.#filled === MAX_PACKET) this.#part();
  }

  #part(): void {
    const header = readHeader(this.#packet);
    const payload = this.#packet.subarray(HEADER_BYTES, this.#filled);
    this.#sink.page(payload);
    if (header.flags & FIN) this.#lastPart = true;
    else this.#filled = 0;
    this.#sink.answer(encodeAnswer(header, payload.length, this.takeBulk));
  }

  #beginBulk(head: Header): void {
    const left = Number(new DataView(this.#packet.buffer).getBigUint64(HEADER_BYTES));
    this.#bulk = { head, left };
    this.#filled = 0;
  }

  #takeBulk(bytes: Uint8Array): Uint8Array {
    const bulk = this.#bulk as { head: Header; left: number };
    if (bulk.left > 0) {
      const taken = bytes.subarray(0, bulk.left);
      bulk.left -= taken.length;
      this.#sink.page(taken);
      return bytes.subarray(taken.length);
    }
    const taken = bytes.subarray(0, BULK_TRAILER - this.#trailerFilled);
    this.#trailer.set(taken, this.#trailerFilled);
    this.#trailerFilled += taken.length;
    if (this.#trailerFilled === BULK_TRAILER) {
      this.#sink.answer(encodeAnswer(bulk.head, 0));
      this.#complete(this.#trailer);
    }
    return bytes.subarray(taken.length);
  }

  #complete(sha256: Uint8Array | null): void {
    this.#done = true;
    this.#sink.done(sha256);
  }
}
