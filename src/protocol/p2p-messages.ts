/**
 * The framed extension between our own programs: to the index, and from peer to peer. A connection begins
 * with `PREFACE` in both directions; its first byte, NUL, begins no seed command and no file name, so one
 * port serves both dialects. Each frame is `u32 length, u8 type, payload`, the length without itself.
 *
 * That the other side speaks it is asked out of band, with one datagram to the UDP port of the same number
 * (`PROBE`, `PROBE_ANSWER`): a foreign program has no such socket and notices nothing.
 */
import {
  BinaryReader,
  BinaryWriter,
  blob,
  bool,
  bytes,
  type Codec,
  choice,
  type Decoded,
  FrameError,
  list,
  struct,
  text,
  u16,
  u32,
  u53,
} from './p2p-binary';

export const PREFACE = Buffer.from('\0MCDN-P2P/1\n', 'latin1');
/** The answer is no longer than the question, so that nobody can use us to amplify traffic. */
export const PROBE = Buffer.from('MCDN-P2P/1?', 'latin1');
export const PROBE_ANSWER = Buffer.from('MCDN-P2P/1!', 'latin1');

export const HASH_BYTES = 32;
export const NONCE_BYTES = 16;
/** A piece is at most 4 MiB; see `pieces/layout.ts`. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Bytes of file in one data frame, at most. */
export const MAX_DATA_BYTES = 1024 * 1024;
export const MAX_FILES_PER_FRAME = 500;
export const MAX_HASHES_PER_FRAME = 8192;
/** 4 TiB in pieces of 4 MiB. */
export const MAX_PIECES = 1 << 20;

const name = text(1024);
const hash = bytes(HASH_BYTES);
const nonce = bytes(NONCE_BYTES);
const address = text(255);

/** `root` is all zeros until the file has been hashed. */
const announcedFile = struct({ name, size: u53, root: hash, complete: bool });
const listedFile = struct({ name, size: u53, holders: u32 });
const holder = struct({
  host: address,
  port: u16,
  peer: text(64),
  /** Whether it speaks this extension. */
  extended: bool,
  complete: bool,
  size: u53,
  root: hash,
  /** Uploads under way and allowed, as it last said. */
  uploads: u16,
  slots: u16,
});

const codecs = {
  /** First, from the side that connected. `user` is empty without login; `port` is where it serves. */
  hello: { type: 1, codec: struct({ peer: text(64), port: u16, user: text(64), nonce }) },
  /** Prove who you are: scrypt with these costs gives the key; see `login.ts`. */
  challenge: { type: 2, codec: struct({ salt: nonce, cost: u32, blockSize: u16, parallel: u16, nonce }) },
  proof: { type: 3, codec: struct({ proof: hash }) },
  /** Accepted. `signature` proves that the index knows the account; zeros without login. */
  welcome: { type: 4, codec: struct({ peer: text(64), signature: hash }) },
  /** Why not, for a program and for a person. The connection is closed after it unless the reason is a file's. */
  refuse: {
    type: 5,
    codec: struct({
      code: choice('LOGIN_REQUIRED', 'LOGIN_FAILED', 'LOCKED', 'NOT_FOUND', 'GONE', 'BUSY', 'PROTOCOL'),
      text: text(500),
    }),
  },
  ping: { type: 6, codec: struct({}) },

  /** Files of the sender. With `reset` it begins anew: what was announced before is forgotten. */
  announce: { type: 16, codec: struct({ reset: bool, files: list(announcedFile, MAX_FILES_PER_FRAME) }) },
  retract: { type: 17, codec: struct({ names: list(name, MAX_FILES_PER_FRAME) }) },
  unregister: { type: 18, codec: struct({}) },
  load: { type: 19, codec: struct({ uploads: u16, slots: u16 }) },
  listFiles: { type: 20, codec: struct({}) },
  fileList: { type: 21, codec: struct({ last: bool, files: list(listedFile, MAX_FILES_PER_FRAME) }) },
  /** Who has the file? With `follow`, every later change is told too, until `unfollow`. */
  find: { type: 22, codec: struct({ name, follow: bool }) },
  holders: { type: 23, codec: struct({ name, holders: list(holder, 1000) }) },
  unfollow: { type: 24, codec: struct({ name }) },

  /** One file per connection. */
  ask: { type: 32, codec: struct({ name, hashes: bool }) },
  /** Answers `ask`; then come the hashes, if they were asked for, then `haveMap` or `haveAll`. */
  fileInfo: { type: 33, codec: struct({ name, size: u53, pieceSize: u32, root: hash }) },
  hashes: { type: 34, codec: struct({ from: u32, hashes: blob(MAX_HASHES_PER_FRAME * HASH_BYTES) }) },
  haveAll: { type: 35, codec: struct({}) },
  /** A bit for each piece, the first one the highest of its byte. */
  haveMap: { type: 36, codec: struct({ map: blob(MAX_PIECES / 8) }) },
  have: { type: 37, codec: struct({ piece: u32 }) },
  /** Until `unchoke` no request is answered; requests that wait are forgotten by both sides. */
  choke: { type: 38, codec: struct({}) },
  unchoke: { type: 39, codec: struct({}) },
  request: { type: 40, codec: struct({ id: u32, offset: u53, length: u32 }) },
  cancel: { type: 41, codec: struct({ id: u32 }) },
  /** This request will not be answered: the part is not there. */
  reject: { type: 42, codec: struct({ id: u32 }) },
} as const satisfies Record<string, { type: number; codec: Codec<unknown> }>;

/** Raw bytes of a file: `u32 request id`, then the bytes. Not decoded but passed on as they arrive. */
const DATA_TYPE = 64;
const HEAD_BYTES = 5;
const DATA_HEAD_BYTES = 4;
const MAX_MESSAGE_BYTES = 1024 * 1024;

type Codecs = typeof codecs;
export type MessageKind = keyof Codecs;
export type MessageOf<K extends MessageKind> = { kind: K } & Decoded<Codecs[K]['codec']>;
export type P2pMessage = { [K in MessageKind]: MessageOf<K> }[MessageKind];
export type HolderInfo = MessageOf<'holders'>['holders'][number];
export type AnnouncedFile = MessageOf<'announce'>['files'][number];
export type ListedFile = MessageOf<'fileList'>['files'][number];
export type RefusalCode = MessageOf<'refuse'>['code'];

const kindByType = new Map(
  Object.entries(codecs).map(([kind, { type }]) => [type as number, kind as MessageKind]),
);

export function encodeMessage(message: P2pMessage): Buffer {
  const { type, codec } = codecs[message.kind];
  const writer = new BinaryWriter();
  writer.reserve(HEAD_BYTES);
  (codec as Codec<unknown>).write(writer, message);
  const frame = writer.finish();
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt8(type, 4);
  return frame;
}

/** The nine bytes before `length` bytes of file. */
export function encodeDataHead(id: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES + DATA_HEAD_BYTES);
  writeDataHead(head, id, length);
  return head;
}

/** How many bytes a sender leaves free before a block, so that head and block go out in one write. */
export const DATA_FRAME_HEAD = HEAD_BYTES + DATA_HEAD_BYTES;

export function writeDataHead(into: Buffer, id: number, length: number): void {
  into.writeUInt32BE(1 + DATA_HEAD_BYTES + length, 0);
  into.writeUInt8(DATA_TYPE, 4);
  into.writeUInt32BE(id, HEAD_BYTES);
}

/** @throws FrameError */
export function decodeMessage(type: number, payload: Uint8Array): P2pMessage {
  const kind = kindByType.get(type);
  if (kind === undefined) throw new FrameError(`There is no message of type ${type}.`);
  const reader = new BinaryReader(payload);
  const value = (codecs[kind].codec as Codec<object>).read(reader);
  reader.finish();
  return { kind, ...value } as P2pMessage;
}

export interface FrameHandlers {
  message(message: P2pMessage): void;
  /** Bytes of file, in order, in parts as they arrive; the buffer is only lent. */
  data(id: number, part: Uint8Array): void;
}

/** Cuts a stream into frames. Bytes of files pass through without being gathered. */
export class FrameReader {
  readonly #handlers: FrameHandlers;
  #preface: number;
  readonly #head = Buffer.alloc(HEAD_BYTES + DATA_HEAD_BYTES);
  #headLength = 0;
  #headNeeded = HEAD_BYTES;
  #payload: Buffer | undefined;
  /** Bytes of the present frame that are still to come, after its head. */
  #left = 0;
  #stopped = false;

  /** @param expectPreface whether the stream begins with `PREFACE` */
  constructor(handlers: FrameHandlers, expectPreface = true) {
    this.#handlers = handlers;
    this.#preface = expectPreface ? 0 : PREFACE.length;
  }

  /** Passes on no further frame, even of a buffer that is being read. */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws FrameError when the stream cannot be read any further */
  push(received: Uint8Array): void {
    let rest = received;
    while (rest.length > 0 && !this.#stopped) {
      if (this.#preface < PREFACE.length) rest = this.#readPreface(rest);
      else if (this.#headLength < this.#headNeeded) rest = this.#readHead(rest);
      else rest = this.#readBody(rest);
    }
  }

  #readPreface(bytes: Uint8Array): Uint8Array {
    const length = Math.min(bytes.length, PREFACE.length - this.#preface);
    for (let at = 0; at < length; at++) {
      if (bytes[at] !== PREFACE[this.#preface + at])
        throw new FrameError('The other side speaks something else.');
    }
    this.#preface += length;
    return bytes.subarray(length);
  }

  #readHead(bytes: Uint8Array): Uint8Array {
    const length = Math.min(bytes.length, this.#headNeeded - this.#headLength);
    this.#head.set(bytes.subarray(0, length), this.#headLength);
    this.#headLength += length;
    if (this.#headLength === HEAD_BYTES && this.#headNeeded === HEAD_BYTES) this.#beginFrame();
    else if (this.#headLength === this.#headNeeded) this.#left -= DATA_HEAD_BYTES;
    if (this.#headLength === this.#headNeeded && this.#left === 0) this.#finishFrame();
    return bytes.subarray(length);
  }

  #beginFrame(): void {
    this.#left = this.#head.readUInt32BE(0) - 1;
    if (this.#isData) {
      if (this.#left < DATA_HEAD_BYTES || this.#left > DATA_HEAD_BYTES + MAX_DATA_BYTES)
        throw new FrameError('A data frame has an impossible length.');
      this.#headNeeded += DATA_HEAD_BYTES;
    } else if (this.#left < 0 || this.#left > MAX_MESSAGE_BYTES) {
      throw new FrameError('A message has an impossible length.');
    } else if (!kindByType.has(this.#head[4] as number)) {
      // Before its payload is gathered: an unknown type must not cost memory.
      throw new FrameError(`There is no message of type ${this.#head[4]}.`);
    }
  }

  #readBody(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, this.#left);
    if (this.#isData) {
      this.#left -= part.length;
      this.#handlers.data(this.#head.readUInt32BE(HEAD_BYTES), part);
    } else {
      this.#payload ??= Buffer.allocUnsafe(this.#left);
      this.#payload.set(part, this.#payload.length - this.#left);
      this.#left -= part.length;
    }
    if (this.#left === 0) this.#finishFrame();
    return bytes.subarray(part.length);
  }

  #finishFrame(): void {
    const type = this.#head[4] as number;
    const payload = this.#payload ?? Buffer.alloc(0);
    const wasData = this.#isData;
    this.#payload = undefined;
    this.#headLength = 0;
    this.#headNeeded = HEAD_BYTES;
    if (!wasData) this.#handlers.message(decodeMessage(type, payload));
  }

  get #isData(): boolean {
    return this.#head[4] === DATA_TYPE;
  }
}

/** Every `size`d part of `items`, at least one, possibly empty: a list in frames of bounded length. */
export function* inFrames<T>(items: readonly T[], size: number): Generator<{ part: T[]; last: boolean }> {
  let at = 0;
  do {
    yield { part: items.slice(at, at + size), last: at + size >= items.length };
    at += size;
  } while (at < items.length);
}
