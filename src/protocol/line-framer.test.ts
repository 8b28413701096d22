import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FramerSink, LineFramer } from './line-framer';

/** What a framer found, in order: lines as text, raw bytes joined. */
class Found implements FramerSink {
  readonly items: (string | number[])[] = [];
  overflows = 0;
  onLine: (line: string) => void = () => {};

  line(text: string): void {
    this.items.push(text);
    this.onLine(text);
  }

  bytes(part: Uint8Array): void {
    const last = this.items.at(-1);
    if (Array.isArray(last)) last.push(...part);
    else this.items.push([...part]);
  }

  overflow(): void {
    this.overflows++;
  }
}

function frame(
  chunks: Iterable<Uint8Array>,
  options: { maxLineBytes?: number; carriageReturn?: boolean } = {},
) {
  const framer = new LineFramer({ maxLineBytes: 64, carriageReturn: true, ...options });
  const found = new Found();
  // As content does: a header announces how many raw bytes follow.
  found.onLine = (line) => {
    const header = /^OK (\d+)$/.exec(line);
    if (header) framer.expectBytes(Number(header[1]));
  };
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk);
    framer.push(lent, found);
    lent.fill(0xdd);
  }
  return { found, framer, rest: framer.end() };
}

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    parts.push(bytes.subarray(from, to));
    from = to;
  }
  return parts;
}

describe('LineFramer', () => {
  it('cuts lines, whether they end in LF or CRLF', () => {
    expect(frame([text('HELLO\r\nGET a b\n\nx')]).found.items).toEqual(['HELLO', 'GET a b', '']);
  });

  it('leaves a carriage return alone when it is told so', () => {
    expect(frame([text('HELLO\r\n')], { carriageReturn: false }).found.items).toEqual(['HELLO\r']);
  });

  it('hands over raw bytes after a line, and goes back to lines', () => {
    const { found } = frame([text('OK 5\nab\ncdGET x\n')]);
    expect(found.items).toEqual(['OK 5', [...text('ab\ncd')], 'GET x']);
  });

  it('keeps what was begun until the end of the stream', () => {
    const { rest, framer } = frame([text('GET na'), text('me')]);
    expect(rest).toBe('GET name');
    expect(framer.end()).toBeNull();
    expect(framer.heldBytes).toBe(0);
  });

  it('decodes characters that were cut in two', () => {
    const bytes = text('GET größe – 文.txt\n');
    expect(frame([...bytes].map((byte) => Uint8Array.of(byte))).found.items).toEqual(['GET größe – 文.txt']);
  });

  it('takes a line of exactly the longest length, with either end', () => {
    for (const end of ['\n', '\r\n']) {
      const whole = text('x'.repeat(64) + end);
      expect(frame([whole]).found.items).toEqual(['x'.repeat(64)]);
      expect(frame([...whole].map((byte) => Uint8Array.of(byte))).found.items).toEqual(['x'.repeat(64)]);
    }
  });

  it('gives up on a longer one, once, and holds nothing of it', () => {
    const framer = new LineFramer({ maxLineBytes: 64, carriageReturn: true });
    const found = new Found();
    for (let sent = 0; sent < 10_000; sent++) framer.push(text('x'.repeat(10)), found);
    framer.push(text('\nGET a\n'), found);
    expect(found).toMatchObject({ items: [], overflows: 1 });
    expect(framer.heldBytes).toBe(0);
  });

  it('ignores everything after stop, also in the same chunk', () => {
    const framer = new LineFramer({ maxLineBytes: 64, carriageReturn: true });
    const found = new Found();
    found.onLine = () => framer.stop();
    framer.push(text('one\ntwo\n'), found);
    framer.push(text('three\n'), found);
    expect(found.items).toEqual(['one']);
  });

  it('finds the same in any split of the same bytes', () => {
    const message = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((line) => text(`${line}\n`)),
      fc.string({ maxLength: 20 }).map((line) => text(`${line}\r\n`)),
      fc.uint8Array({ maxLength: 40 }).map((body) => Buffer.concat([text(`OK ${body.length}\n`), body])),
      fc.uint8Array({ maxLength: 20 }),
      fc.constant(text('y'.repeat(70))),
    );
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (messages, cuts) => {
          const bytes = Uint8Array.from(Buffer.concat(messages));
          const whole = frame([bytes]);
          for (const parts of [split(bytes, cuts), [...bytes].map((byte) => Uint8Array.of(byte))]) {
            const { found, rest } = frame(parts);
            expect(found.items).toEqual(whole.found.items);
            expect(found.overflows).toBe(whole.found.overflows);
            expect(rest).toBe(whole.rest);
          }
        },
      ),
    );
  });
});
