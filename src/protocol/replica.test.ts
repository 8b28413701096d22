import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACK,
  BULK,
  decodeAssignment,
  decodePacket,
  decodeProbe,
  decodeProbeReply,
  encodeAnswer,
  encodeAssignment,
  encodeBulkHead,
  encodePacket,
  encodePart,
  encodeProbe,
  encodeProbeReply,
  encodeRequest,
  encodeWatch,
  encodeWatchReply,
  FIN,
  HeaderReader,
  MAX_PAYLOAD,
  PageReceiver,
  type PageSink,
  SYN,
} from './replica';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array => Buffer.from(text, 'ascii');

describe('golden bytes', () => {
  it('assignment of a balancer', () => {
    expect(hex(encodeAssignment('127.0.0.2'))).toBe(`010000000100000000000002${hex(ascii('127.0.0.2'))}`);
  });
  it('request of a client', () => {
    expect(hex(encodeRequest())).toBe('393000000000000000000002');
  });
  it('parts of a replica and the answers to them', () => {
    const request = { sequence: 12_345, acknowledgement: 0, flags: SYN };
    expect(hex(encodePart(request, ascii('ab'), false))).toBe('000000003a300000000000026162');
    const first = { sequence: 0, acknowledgement: 12_346, flags: SYN };
    expect(hex(encodeAnswer(first, 512))).toBe('3a3000002102000000000004'); // 0 + 33 + 512 = 0x221
    const answer = { sequence: 12_346, acknowledgement: 545, flags: ACK };
    expect(hex(encodePart(answer, ascii('z'), true))).toBe('210200003b300000000000037a');
    const last = { sequence: 545, acknowledgement: 12_347, flags: SYN | FIN };
    expect(hex(encodeAnswer(last, 1))).toBe('3b3000004302000000000005'); // 545 + 34 = 0x243
  });
  it('extensions', () => {
    expect(hex(encodeProbe(7))).toBe('070000000000000000000400');
    expect(hex(encodeProbeReply(7, { load: 2, bytes: 10, draining: true }))).toBe(
      `070000000800000000000405${hex(ascii('LOAD 2 PAGE 10'))}`,
    );
    expect(hex(encodeWatch(1))).toBe('010000000000000000000200');
    expect(hex(encodeWatchReply(1, false))).toBe('010000000200000000000204');
    const answer = { sequence: 12_346, acknowledgement: 545, flags: ACK | BULK };
    expect(hex(encodeBulkHead(answer, 258))).toBe('210200003b300000000001030000000000000102');
  });
});

it('numbers wrap at 2^32', () => {
  const part = { sequence: 0xffff_ffff, acknowledgement: 0xffff_ffff, flags: SYN };
  expect(decodePacket(encodeAnswer(part, 512))).toMatchObject({
    acknowledgement: 544,
    sequence: 0xffff_ffff,
  });
  expect(decodePacket(encodePart(part, ascii(''), false))?.acknowledgement).toBe(0);
});

it('refuses payloads over 512 bytes and packets that cannot be', () => {
  const payload = new Uint8Array(MAX_PAYLOAD + 1);
  expect(() => encodePacket({ sequence: 0, acknowledgement: 0, flags: 0, payload })).toThrow(RangeError);
  expect(decodePacket(new Uint8Array(11))).toBeNull();
  expect(decodePacket(new Uint8Array(525))).toBeNull();
});

it('any packet survives encoding', () => {
  const u32 = fc.nat(0xffff_ffff);
  fc.assert(
    fc.property(
      u32,
      u32,
      u32,
      fc.uint8Array({ maxLength: 512 }),
      (sequence, acknowledgement, flags, payload) => {
        const packet = { sequence, acknowledgement, flags, payload };
        expect(decodePacket(encodePacket(packet))).toEqual(packet);
      },
    ),
  );
});

it('reads an assignment, also one padded with NULs, and nothing else', () => {
  expect(decodeAssignment(encodeAssignment('127.0.0.2:33001'))).toBe('127.0.0.2:33001');
  expect(decodeAssignment(encodeAssignment('127.0.0.2\0\0'))).toBe('127.0.0.2');
  expect(decodeAssignment(encodeAssignment(''))).toBeNull();
  expect(decodeAssignment(encodeAnswer({ sequence: 0, acknowledgement: 0, flags: 0 }, 0))).toBeNull();
});

it('takes no datagram for a probe or its reply that is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      if (bytes[10] === 4) return; // the flag's own byte
      expect(decodeProbe(bytes)).toBeNull();
      expect(decodeProbeReply(bytes)).toBeNull();
    }),
  );
  expect(decodeProbe(encodeProbe(9))).toBe(9);
  const status = { load: 3, bytes: 1000, draining: false };
  expect(decodeProbeReply(encodeProbeReply(9, status))).toEqual({ nonce: 9, status });
});

it('finds headers in any segmentation', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(0xffff_ffff), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 })),
      (nonces, cuts) => {
        const reader = new HeaderReader();
        const seen: number[] = [];
        for (const piece of cut(Buffer.concat(nonces.map(encodeWatch)), cuts)) {
          reader.push(piece, (header) => seen.push(header.sequence));
        }
        expect(seen).toEqual(nonces);
      },
    ),
  );
});

describe('a page through PageReceiver', () => {
  const pages = fc.uint8Array({ maxLength: 3000 });
  const cuts = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 40 });

  it('arrives whole from a stop-and-wait replica, whatever the segments', () => {
    fc.assert(
      fc.property(pages, cuts, (page, cutAt) => {
        const replica = stopAndWait(page);
        const received = receive((sink) => new PageReceiver(sink), replica, cutAt);
        expect(hex(received.page)).toBe(hex(page));
        expect(received.sha256).toBeNull();
      }),
    );
  });

  it('arrives whole in bulk, with the hash', () => {
    fc.assert(
      fc.property(pages, cuts, (page, cutAt) => {
        const received = receive(
          (sink) => Object.assign(new PageReceiver(sink), { takeBulk: true }),
          bulkAfterTheFirst(page),
          cutAt,
        );
        expect(hex(received.page)).toBe(hex(page));
        expect(received.sha256 === null).toBe(page.length <= MAX_PAYLOAD);
      }),
    );
  });

  it('is never complete before the last packet', () => {
    const receiver = new PageReceiver({ page() {}, answer() {}, done: () => expect.unreachable() });
    receiver.push(encodePart({ sequence: 1, acknowledgement: 0, flags: SYN }, ascii('short'), false));
    expect(receiver.undecided).toBe(true);
    receiver.acceptShort();
    expect(receiver.undecided).toBe(false);
    expect(receiver.finish()).toBe(false);
  });

  it('ignores what a replica sends after the last packet is full', () => {
    let bytes = 0;
    const receiver = new PageReceiver({
      page: (more) => {
        bytes += more.length;
      },
      answer() {},
      done() {},
    });
    receiver.push(encodePart({ sequence: 1, acknowledgement: 0, flags: SYN }, new Uint8Array(500), true));
    receiver.push(new Uint8Array(5000));
    expect(bytes).toBe(MAX_PAYLOAD);
    expect(receiver.finish()).toBe(true);
  });
});

/** A replica as a function: the client's packet in, the bytes to send out; null after the last answer. */
type Replica = (packet: Uint8Array) => Uint8Array | null;

function stopAndWait(page: Uint8Array): Replica {
  let at = 0;
  return (packet) => {
    const header = decodePacket(packet);
    if (!header || header.flags & FIN) return null;
    const payload = page.subarray(at, at + MAX_PAYLOAD);
    at += MAX_PAYLOAD;
    return encodePart(header, payload, at >= page.length);
  };
}

function bulkAfterTheFirst(page: Uint8Array): Replica {
  const parts = stopAndWait(page);
  return (packet) => {
    const header = decodePacket(packet);
    if (!header || !(header.flags & BULK)) return parts(packet);
    const rest = page.subarray(MAX_PAYLOAD);
    return Buffer.concat([encodeBulkHead(header, rest.length), rest, new Uint8Array(32)]);
  };
}

function receive(
  make: (sink: PageSink) => PageReceiver,
  replica: Replica,
  cutAt: readonly number[],
): { page: Uint8Array; sha256: Uint8Array | null } {
  const pieces: Uint8Array[] = [];
  const toSend = [encodeRequest()];
  let sha256: Uint8Array | null | undefined;
  const receiver = make({
    page: (bytes) => void pieces.push(Uint8Array.from(bytes)),
    answer: (bytes) => void toSend.push(bytes),
    done: (hash) => {
      sha256 = hash;
    },
  });
  for (let packet = toSend.shift(); packet; packet = toSend.shift()) {
    const reply = replica(packet);
    if (reply) for (const piece of cut(reply, cutAt)) receiver.push(piece);
  }
  expect(receiver.finish()).toBe(true);
  return { page: Buffer.concat(pieces), sha256: sha256 as Uint8Array | null };
}

function* cut(bytes: Uint8Array, at: readonly number[]): Generator<Uint8Array> {
  let from = 0;
  for (const length of at) {
    if (from >= bytes.length) return;
    yield bytes.subarray(from, from + length);
    from += length;
  }
  if (from < bytes.length) yield bytes.subarray(from);
}
