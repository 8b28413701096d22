import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameError } from './p2p-binary';
import {
  DATA_FRAME_HEAD,
  decodeMessage,
  encodeDataHead,
  encodeMessage,
  FrameReader,
  inFrames,
  type P2pMessage,
  PREFACE,
} from './p2p-messages';

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.string({ unit: 'grapheme', maxLength: 60 });
const size = fc.maxSafeNat();
const port = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const messages: fc.Arbitrary<P2pMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    peer: name,
    port,
    user: fc.constant('alice'),
    nonce: bytesOf(16),
  }),
  fc.record({ kind: fc.constant('proof' as const), proof: bytesOf(32) }),
  fc.record({
    kind: fc.constant('refuse' as const),
    code: fc.constantFrom('LOCKED' as const, 'GONE' as const),
    text: name,
  }),
  fc.record({
    kind: fc.constant('announce' as const),
    reset: fc.boolean(),
    files: fc.array(fc.record({ name, size, root: bytesOf(32), complete: fc.boolean() }), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('request' as const), id: u32, offset: size, length: u32 }),
  fc.record({ kind: fc.constant('haveMap' as const), map: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant('ping' as const) }),
);

type Heard = P2pMessage | { id: number; bytes: string };

/** Reads `stream` cut at `cuts`; bytes of a data frame are put together. */
function hear(stream: Uint8Array, cuts: number[]): Heard[] {
  const heard: Heard[] = [];
  let gathering: { id: number; bytes: string } | undefined;
  const reader = new FrameReader({
    message: (message) => {
      gathering = undefined;
      heard.push(message);
    },
    data: (id, part) => {
      if (gathering?.id !== id) {
        gathering = { id, bytes: '' };
        heard.push(gathering);
      }
      gathering.bytes += Buffer.from(part).toString('hex');
    },
  });
  let from = 0;
  for (const cut of [...new Set(cuts.map((at) => at % (stream.length + 1)))].sort((a, b) => a - b)) {
    reader.push(stream.slice(from, cut));
    from = cut;
  }
  reader.push(stream.slice(from));
  return heard;
}

describe('frames', () => {
  it('have these bytes', () => {
    const request = encodeMessage({ kind: 'request', id: 7, offset: 1048576, length: 262144 });
    expect(request.toString('hex')).toBe('0000001128' + '00000007' + '0000000000100000' + '00040000');
    expect(encodeMessage({ kind: 'find', name: 'ü', follow: true }).toString('hex')).toBe(
      '0000000616' + '0002c3bc' + '01',
    );
    expect(encodeDataHead(7, 3).toString('hex')).toBe('0000000840' + '00000007');
    expect(PREFACE[0]).toBe(0);
  });

  it('survive any cutting of the stream', () => {
    const dataFrame = fc.record({ id: u32, bytes: fc.uint8Array({ minLength: 1, maxLength: 50 }) });
    fc.assert(
      fc.property(fc.array(fc.oneof(messages, dataFrame)), fc.array(fc.nat()), (sent, cuts) => {
        const stream = Buffer.concat([
          PREFACE,
          ...sent.flatMap((item) =>
            'kind' in item ? [encodeMessage(item)] : [encodeDataHead(item.id, item.bytes.length), item.bytes],
          ),
        ]);
        const expected: Heard[] = [];
        for (const item of sent) {
          const last = expected.at(-1);
          if ('kind' in item) expected.push(item);
          else if (last && 'bytes' in last && !('kind' in last) && last.id === item.id)
            last.bytes += Buffer.from(item.bytes).toString('hex');
          else expected.push({ id: item.id, bytes: Buffer.from(item.bytes).toString('hex') });
        }
        expect(hear(stream, cuts)).toEqual(expected);
      }),
    );
  });

  it('end in a message or a FrameError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 200 }), (type, payload) => {
        try {
          decodeMessage(type, payload);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        try {
          new FrameReader({ message: () => {}, data: () => {} }, false).push(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });

  it('are refused before they cost memory', () => {
    const reader = () => new FrameReader({ message: () => {}, data: () => {} }, false);
    expect(() => reader().push(Buffer.from('7fffffff01', 'hex'))).toThrow(FrameError);
    expect(() => reader().push(Buffer.from('0000000000', 'hex'))).toThrow(FrameError);
    expect(() => reader().push(Buffer.from('00000005ff', 'hex'))).toThrow(FrameError);
    expect(() => reader().push(Buffer.from('00000002' + '40', 'hex'))).toThrow(FrameError);
    expect(() =>
      new FrameReader({ message: () => {}, data: () => {} }).push(Buffer.from('register')),
    ).toThrow(FrameError);
  });

  it('cut a text that is too long at a character', () => {
    const frame = encodeMessage({ kind: 'refuse', code: 'GONE', text: 'ü'.repeat(400) });
    const decoded = decodeMessage(frame[4] as number, frame.subarray(5));
    expect(decoded).toMatchObject({ text: 'ü'.repeat(250) });
  });
});

it('lists go out in frames, an empty one in one', () => {
  expect([...inFrames([1, 2, 3], 2)]).toEqual([
    { part: [1, 2], last: false },
    { part: [3], last: true },
  ]);
  expect([...inFrames([], 2)]).toEqual([{ part: [], last: true }]);
  expect(DATA_FRAME_HEAD).toBe(encodeDataHead(0, 0).length);
});
