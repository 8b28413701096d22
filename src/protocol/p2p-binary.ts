/** Small codecs for binary messages: each one writes a value, and reads it back or throws a `FrameError`. */

/** The peer sent what the protocol does not allow; the connection is closed. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export class BinaryWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** Room for `length` more bytes; returns where they go. All numbers are big-endian. */
  reserve(length: number): { buffer: Buffer; at: number } {
    const at = this.#length;
    if (at + length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + length));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length += length;
    return { buffer: this.#buffer, at };
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

export class BinaryReader {
  #at = 0;
  readonly #buffer: Buffer;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#buffer.length) throw new FrameError('A message ends too early.');
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  finish(): void {
    if (this.#at !== this.#buffer.length) throw new FrameError('A message is longer than what it says.');
  }
}

export interface Codec<T> {
  write(writer: BinaryWriter, value: T): void;
  read(reader: BinaryReader): T;
}

export type Decoded<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = {
  write(writer, value) {
    const { buffer, at } = writer.reserve(1);
    buffer.writeUInt8(value, at);
  },
  read: (reader) => reader.take(1).readUInt8(0),
};

export const u16: Codec<number> = {
  write(writer, value) {
    const { buffer, at } = writer.reserve(2);
    buffer.writeUInt16BE(value, at);
  },
  read: (reader) => reader.take(2).readUInt16BE(0),
};

export const u32: Codec<number> = {
  write(writer, value) {
    const { buffer, at } = writer.reserve(4);
    buffer.writeUInt32BE(value, at);
  },
  read: (reader) => reader.take(4).readUInt32BE(0),
};

/** Eight bytes, for whole numbers that a double holds exactly. */
export const u53: Codec<number> = {
  write(writer, value) {
    const { buffer, at } = writer.reserve(8);
    buffer.writeBigUInt64BE(BigInt(value), at);
  },
  read(reader) {
    const value = reader.take(8).readBigUInt64BE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('A number is too large.');
    return Number(value);
  },
};

export const bool: Codec<boolean> = {
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
  read(reader) {
    const value = u8.read(reader);
    if (value > 1) throw new FrameError('A yes or no is neither.');
    return value === 1;
  },
};

/** Exactly `length` bytes. What is read is a copy. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length !== length) throw new RangeError(`${length} bytes expected, not ${value.length}.`);
      const { buffer, at } = writer.reserve(length);
      buffer.set(value, at);
    },
    read: (reader) => Uint8Array.from(reader.take(length)),
  };
}

/** Up to `max` bytes, after their number. What is read is a copy. */
export function blob(max: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length > max) throw new RangeError(`At most ${max} bytes expected, not ${value.length}.`);
      u32.write(writer, value.length);
      const { buffer, at } = writer.reserve(value.length);
      buffer.set(value, at);
    },
    read(reader) {
      const length = u32.read(reader);
      if (length > max) throw new FrameError('A field is too long.');
      return Uint8Array.from(reader.take(length));
    },
  };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 of at most `maxBytes`, after its length in two bytes. Longer text is cut when it is written. */
export function text(maxBytes: number): Codec<string> {
  return {
    write(writer, value) {
      const encoded = Buffer.from(value).subarray(0, maxBytes);
      // A cut may have gone through a character.
      const whole =
        encoded.length < maxBytes ? encoded : Buffer.from(encoded.toString().replace(/\ufffd+$/, ''));
      u16.write(writer, whole.length);
      const { buffer, at } = writer.reserve(whole.length);
      buffer.set(whole, at);
    },
    read(reader) {
      const length = u16.read(reader);
      if (length > maxBytes) throw new FrameError('A text is too long.');
      try {
        return strictUtf8.decode(reader.take(length));
      } catch (error) {
        throw error instanceof FrameError ? error : new FrameError('A text is not UTF-8.');
      }
    },
  };
}

/** One of a few words, as a number. */
export function choice<const Word extends string>(...words: Word[]): Codec<Word> {
  return {
    write: (writer, value) => u8.write(writer, words.indexOf(value)),
    read(reader) {
      const word = words[u8.read(reader)];
      if (word === undefined) throw new FrameError('A choice is unknown.');
      return word;
    },
  };
}

export function list<T>(item: Codec<T>, max: number): Codec<T[]> {
  return {
    write(writer, values) {
      if (values.length > max) throw new RangeError(`At most ${max} items expected, not ${values.length}.`);
      u32.write(writer, values.length);
      for (const value of values) item.write(writer, value);
    },
    read(reader) {
      const length = u32.read(reader);
      if (length > max) throw new FrameError('A list is too long.');
      const values: T[] = [];
      for (let at = 0; at < length; at++) values.push(item.read(reader));
      return values;
    },
  };
}

type Shape = Record<string, Codec<unknown>>;

/** Fields one after the other, in the order in which they are written here. */
export function struct<S extends { [K in keyof S]: Codec<unknown> }>(
  shape: S,
): Codec<{ [K in keyof S]: Decoded<S[K]> }> {
  const fields = Object.entries(shape as Shape);
  return {
    write(writer, value) {
      for (const [key, codec] of fields) codec.write(writer, (value as Record<string, unknown>)[key]);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [key, codec] of fields) value[key] = codec.read(reader);
      return value as { [K in keyof S]: Decoded<S[K]> };
    },
  };
}
