import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, type Frame, FrameReader, MAX_BODY } from './ring-frames';
import { between, isMemberRecord, type MemberRecord, MemberTable } from './ring-members';
import {
  encodeCheckReply,
  encodeMessage,
  JsonReader,
  parseCheckReply,
  parseMessage,
  type RingMessage,
} from './ring-messages';

/** Every message of the seed, and its bytes. */
const GOLDEN: [RingMessage, string][] = [
  [{ type: 'GET', data: 'a.txt' }, '{"type":"GET","data":"a.txt"}'],
  [
    { type: 'GET', data: { item: 'a.txt', content: '404 NOT FOUND' } },
    '{"type":"GET","data":{"item":"a.txt","content":"404 NOT FOUND"}}',
  ],
  [
    { type: 'PUT', data: { item: 'a.txt', content: 'hi' } },
    '{"type":"PUT","data":{"item":"a.txt","content":"hi"}}',
  ],
  [
    { type: 'PUT', data: { item: 'a.txt', status: '200 OK' } },
    '{"type":"PUT","data":{"item":"a.txt","status":"200 OK"}}',
  ],
  [{ type: 'INSERT', data: '127.0.1.1:4044' }, '{"type":"INSERT","data":"127.0.1.1:4044"}'],
  [{ type: 'CHECK' }, '{"type":"CHECK"}'],
  [
    { creator: '127.0.1.1:4043', type: 'UPDATE', data: ['127.0.1.1:4043', '127.0.1.1:4044'] },
    '{"creator":"127.0.1.1:4043","type":"UPDATE","data":["127.0.1.1:4043","127.0.1.1:4044"]}',
  ],
  [
    { creator: '127.0.1.1:4043', type: 'CHECK', data: ['127.0.1.1:4043'] },
    '{"creator":"127.0.1.1:4043","type":"CHECK","data":["127.0.1.1:4043"]}',
  ],
  [
    { creator: '127.0.1.1:4043', type: 'FORWARD_PUT', data: { item: 'a', content: 'hi' } },
    '{"creator":"127.0.1.1:4043","type":"FORWARD_PUT","data":{"item":"a","content":"hi"}}',
  ],
  [
    { creator: '127.0.1.1:4043', type: 'FORWARD_GET', data: { item: 'a', content: '' } },
    '{"creator":"127.0.1.1:4043","type":"FORWARD_GET","data":{"item":"a","content":""}}',
  ],
];

describe('messages', () => {
  it.each(GOLDEN)('%j has its bytes and comes back from them', (message, bytes) => {
    expect(encodeMessage(message)).toBe(bytes);
    expect(parseMessage(bytes)).toEqual(message);
  });

  it('are read as other programs write them: spaces, another order of keys, keys of their own', () => {
    expect(parseMessage('{"data": ["a:1", "b:2"], "hops": 3, "creator": "a:1", "type": "UPDATE"}')).toEqual({
      creator: 'a:1',
      type: 'UPDATE',
      data: ['a:1', 'b:2'],
    });
    expect(parseMessage('{"type":"FORWARD_GET","creator":"a:1","data":{"item":"x","content":null}}')).toEqual(
      {
        creator: 'a:1',
        type: 'FORWARD_GET',
        data: { item: 'x', content: '' },
      },
    );
  });

  it.each([
    '',
    '[]',
    'null',
    '{}',
    '{"type":"GET"}',
    '{"type":"GET","data":""}',
    '{"type":"INSERT","data":"nowhere"}',
    '{"type":"INSERT","data":"a:99999"}',
    '{"type":"UPDATE","data":["a:1"]}',
    '{"type":"PUT","data":{"item":"a"}}',
    '{"creator":"a:1","type":"UPDATE","data":["a:1",7]}',
    '{"type":"HELLO"}',
  ])('%j is none', (text) => {
    expect(parseMessage(text)).toBeNull();
  });

  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        parseMessage(text);
        parseCheckReply(text);
      }),
    );
  });

  it('answer CHECK among ours', () => {
    const reply = { address: '127.0.0.1:4043', rings: ['ab'] };
    expect(encodeCheckReply(reply)).toBe(
      '{"type":"CHECK","data":{"address":"127.0.0.1:4043","rings":["ab"]}}',
    );
    expect(parseCheckReply(encodeCheckReply(reply))).toEqual(reply);
  });
});

describe('JsonReader', () => {
  it('finds objects in any segmentation, with braces and quotes in their texts', () => {
    const objects = fc.array(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.string()))),
    );
    fc.assert(
      fc.property(objects, fc.array(fc.integer({ min: 1, max: 20 })), (values, cuts) => {
        const reader = new JsonReader(1 << 20);
        const seen: unknown[] = [];
        for (const piece of cut(
          Buffer.from(values.map((value) => `${JSON.stringify(value)} \n`).join('')),
          cuts,
        )) {
          expect(reader.push(piece, (text) => seen.push(JSON.parse(text)))).toBe(true);
        }
        expect(seen).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  it('refuses what is no object, and what is too long', () => {
    const take = (text: string, max = 100): boolean => new JsonReader(max).push(Buffer.from(text), () => {});
    expect(take('GET x')).toBe(false);
    expect(take('{"a":1} x')).toBe(false);
    expect(take(`{"a":"${'x'.repeat(200)}`)).toBe(false);
    expect(take(`{"a":"${'x'.repeat(200)}"}`)).toBe(false);
  });
});

describe('frames', () => {
  it('come back in any segmentation', () => {
    const frames = fc.array(
      fc.tuple(fc.dictionary(fc.string(), fc.string()), fc.uint8Array({ maxLength: 300 })),
    );
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 200 })), (values, cuts) => {
        const reader = new FrameReader();
        const seen: [unknown, number[]][] = [];
        const stream = Buffer.concat(values.map(([header, body]) => encodeFrame(header, body)));
        const take = ({ header, body }: Frame): void => void seen.push([header, [...body]]);
        for (const piece of cut(stream, cuts)) reader.push(piece, take);
        expect(seen).toEqual(values.map(([header, body]) => [JSON.parse(JSON.stringify(header)), [...body]]));
      }),
    );
  });

  it('are refused when too large, or without a header', () => {
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(MAX_BODY + 1, 4);
    expect(() => new FrameReader().push(lengths, () => {})).toThrow('too large');
    expect(() => new FrameReader().push(Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0x37]), () => {})).toThrow();
  });
});

describe('the table of members', () => {
  const address = fc.integer({ min: 1, max: 6 }).map((n) => `127.0.0.1:${4042 + n}`);
  const record: fc.Arbitrary<MemberRecord> = fc.record({
    address,
    incarnation: fc.nat(4),
    state: fc.constantFrom('alive' as const, 'left' as const, 'dead' as const),
    place: fc.constantFrom('4', '8', 'c', '84'),
  });
  const outside = '127.0.0.1:9999';
  const table = (batches: readonly (readonly MemberRecord[])[]): MemberTable => {
    const made = new MemberTable(outside);
    for (const batch of batches) made.merge(batch);
    return made;
  };

  it('merges to the same in any order and however often', () => {
    fc.assert(
      fc.property(fc.array(record), fc.array(record), (a, b) => {
        const once = table([a, b]);
        expect(table([b, a]).digest).toBe(once.digest);
        expect(table([b, a, b, a]).digest).toBe(once.digest);
        expect(table([[...a, ...b].reverse()]).alive).toEqual(once.alive);
        expect(once.merge(a)).toBe(false);
      }),
    );
  });

  it('never lets itself be declared dead', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const mine = new MemberTable('127.0.0.1:4043');
        mine.merge(records);
        expect(mine.isAlive('127.0.0.1:4043')).toBe(true);
      }),
    );
  });

  it('puts a new member after its predecessor', () => {
    const mine = new MemberTable('a:1');
    mine.insert('b:1', 'a:1');
    mine.insert('c:1', 'a:1');
    mine.insert('d:1', 'b:1');
    expect(mine.alive).toEqual(['a:1', 'c:1', 'b:1', 'd:1']);
    expect(mine.after('b:1')).toEqual(['d:1', 'a:1', 'c:1']);
    mine.remove('b:1', 'dead');
    expect(mine.after('c:1')).toEqual(['d:1', 'a:1']);
    expect(mine.after('b:1')).toEqual(['d:1', 'a:1', 'c:1']);
    mine.revive('b:1');
    expect(mine.alive).toEqual(['a:1', 'c:1', 'b:1', 'd:1']);
  });

  it('always finds a place between two', () => {
    let [low, high] = ['8', 'c'];
    for (let n = 0; n < 400; n++) {
      const middle = between(low, high);
      expect(low < middle && middle < high).toBe(true);
      if (n % 3) high = middle;
      else low = middle;
    }
    expect(between('ff', null) > 'ff').toBe(true);
    expect(
      isMemberRecord({ address: 'a:1', incarnation: 0, state: 'alive', place: between(low, high) }),
    ).toBe(true);
  });

  it('takes no record that is none', () => {
    fc.assert(fc.property(fc.anything(), (value) => void isMemberRecord(value)));
    expect(isMemberRecord({ address: 'a:1', incarnation: -1, state: 'alive', place: '8' })).toBe(false);
    expect(isMemberRecord({ address: 'a', incarnation: 1, state: 'alive', place: '8' })).toBe(false);
    expect(isMemberRecord({ address: 'a:1', incarnation: 1, state: 'alive', place: '80' })).toBe(false);
  });
});

function* cut(bytes: Uint8Array, at: readonly number[]): Generator<Uint8Array> {
  let from = 0;
  for (const length of at) {
    if (from >= bytes.length) return;
    yield bytes.subarray(from, from + length);
    from += length;
  }
  if (from < bytes.length) yield bytes.subarray(from);
}
