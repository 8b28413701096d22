import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PieceLayout, pieceLength, pieceOffset } from './layout';
import { PieceMap } from './piece-map';
import { PieceScheduler, type Request } from './scheduler';

const PIECE = 256 * 1024;
const layoutOf = (count: number): PieceLayout => ({ size: count * PIECE - 7, pieceSize: PIECE, count });

function scheduler(
  count: number,
  order: 'sequential' | 'rarest' = 'sequential',
  verified = new PieceMap(count),
) {
  return new PieceScheduler(
    { layout: layoutOf(count), verified, order, random: () => 0, timeoutMs: 5000 },
    0,
  );
}

/** Delivers a request in full, and says that the piece is right. */
function deliver(under: PieceScheduler, request: Request, now: number): void {
  const { complete } = under.received(request.id, request.length, now);
  if (complete) under.verified(request.piece);
}

describe('piece scheduler', () => {
  it('asks for every piece once and is complete then', () => {
    const under = scheduler(5);
    under.addSource('a', null, 1, 0);
    const asked: number[] = [];
    for (let now = 0; !under.complete && now < 100; now++) {
      for (const request of under.assign(now)) {
        asked.push(request.piece);
        deliver(under, request, now);
      }
    }
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    expect(under.complete).toBe(true);
  });

  it('does not ask for what an earlier run has verified', () => {
    const verified = new PieceMap(3);
    verified.add(0);
    verified.add(2);
    const under = scheduler(3, 'sequential', verified);
    under.addSource('a', null, 1, 0);
    expect(under.assign(0).map(({ piece }) => piece)).toEqual([1]);
  });

  it('asks a fast server seldom, for many pieces that follow one another', () => {
    const under = scheduler(200);
    under.addSource('a', null, 1, 0);
    const open: Request[] = [];
    const askedAtOnce: number[][] = [];
    // 25 MB/s: more than a hundred pieces in a second.
    for (let now = 0; now < 1000; now += 10) {
      const asked = under.assign(now);
      if (asked.length > 0) askedAtOnce.push(asked.map(({ piece }) => piece));
      open.push(...asked);
      const next = open.shift();
      if (next) deliver(under, next, now);
      if (now % 100 === 0) under.tick(now);
    }
    const usual = askedAtOnce.slice(-5);
    for (const pieces of usual) {
      expect(pieces.length).toBeGreaterThanOrEqual(3);
      expect(pieces).toEqual(pieces.map((_, at) => (pieces[0] as number) + at));
    }
  });

  it('takes the rarest piece first', () => {
    const under = scheduler(3, 'rarest');
    const has = (...pieces: number[]): PieceMap => {
      const map = new PieceMap(3);
      for (const piece of pieces) map.add(piece);
      return map;
    };
    under.addSource('a', has(0, 1, 2), 1, 0);
    under.addSource('b', has(0, 1), 1, 0);
    under.addSource('c', has(0), 1, 0);
    const first = under.assign(0).find(({ source }) => source === 'a');
    expect(first?.piece).toBe(2);
  });

  it('lets another source go on where a dead one stopped, without a byte twice', () => {
    const under = scheduler(1);
    under.addSource('a', null, 1, 0);
    const [first] = under.assign(0) as [Request];
    under.received(first.id, 1000, 1);
    under.removeSource('a');
    under.addSource('b', null, 1, 2);
    const [second] = under.assign(2) as [Request];
    expect(second).toMatchObject({ source: 'b', offset: 1000, length: first.length - 1000 });
  });

  it('gives the work of a silent source to the others long before the time-out', () => {
    const under = scheduler(40);
    under.addSource('a', null, 1, 0);
    under.addSource('b', null, 1, 0);
    let hung: number | undefined;
    const waiting: Request[] = [];
    for (let now = 0; now < 3000 && hung === undefined; now += 100) {
      waiting.push(...under.assign(now));
      for (const request of waiting.splice(0)) {
        if (request.source === 'b' && now >= 500) continue;
        deliver(under, request, now);
      }
      const report = under.tick(now)[0];
      if (report) {
        expect(report).toMatchObject({ source: 'b', dead: false });
        hung = now;
      }
    }
    expect(hung).toBeDefined();
    expect(hung as number).toBeLessThan(1000);
    for (let now = 3000; !under.complete && now < 10_000; now++)
      for (const request of under.assign(now)) deliver(under, request, now);
    expect(under.complete).toBe(true);
  });

  it('waits for the time-out when nobody else could do better', () => {
    const under = scheduler(2);
    under.addSource('a', null, 1, 0);
    under.assign(0);
    expect(under.tick(4900)).toEqual([]);
    expect(under.tick(5000)).toMatchObject([{ source: 'a', dead: true }]);
  });

  it('has an idle fast source help a slow one at the end, and cancels the slower answer', () => {
    const under = scheduler(20);
    under.addSource('fast', null, 1, 0);
    under.addSource('slow', null, 1, 0);
    let slowRequest: Request | undefined;
    let cancelled: Request[] = [];
    for (let now = 0; !under.complete && now < 5000; now += 10) {
      for (const request of under.assign(now)) {
        if (request.source === 'slow') slowRequest = request;
        else {
          const receipt = under.received(request.id, request.length, now);
          cancelled = cancelled.concat(receipt.cancel);
          if (receipt.complete) under.verified(request.piece);
        }
      }
      if (slowRequest) under.received(slowRequest.id, 10, now);
      under.tick(now);
    }
    expect(under.complete).toBe(true);
    expect(new Set(cancelled.map(({ source }) => source))).toEqual(new Set(['slow']));
  });

  it('leaves the last pieces to those who have them soon: two answers would both come in full', () => {
    const under = scheduler(40);
    under.addSource('a', null, 1, 0);
    under.addSource('b', null, 1, 0);
    const asked: number[] = [];
    const waiting: Request[] = [];
    let kept = 0;
    // Each sends 25 MB/s, until b is behind by a piece or two and a has nothing to do.
    for (let now = 0; now < 2000; now += 10) {
      const requests = under.assign(now);
      asked.push(...requests.map(({ piece }) => piece));
      waiting.push(...requests);
      if (kept >= 30 && waiting.every(({ source }) => source === 'b')) break;
      for (const source of kept < 36 ? ['a', 'b'] : ['a']) {
        const next = waiting.findIndex((request) => request.source === source);
        if (next < 0) continue;
        deliver(under, waiting.splice(next, 1)[0] as Request, now);
        kept++;
      }
      if (now % 100 === 0) under.tick(now);
    }
    expect(waiting.length).toBeGreaterThan(0);
    expect(asked.toSorted((one, other) => one - other)).toEqual([...Array(40).keys()]);
  });

  it('bans the one who sent a wrong piece, and asks elsewhere', () => {
    const under = scheduler(1);
    under.addSource('liar', null, 1, 0);
    const [request] = under.assign(0) as [Request];
    under.received(request.id, request.length, 1);
    expect(under.corrupt(0)).toEqual({ banned: ['liar'], suspects: [] });
    under.addSource('liar', null, 1, 2);
    expect(under.assign(2)).toEqual([]);
    expect(under.starving).toBe(true);
    under.addSource('honest', null, 1, 2);
    deliver(under, (under.assign(3) as [Request])[0], 3);
    expect(under.complete).toBe(true);
  });

  it('after a wrong piece from two sources, fetches it from one alone and so finds the liar', () => {
    const under = scheduler(1);
    under.addSource('a', null, 1, 0);
    const [first] = under.assign(0) as [Request];
    under.received(first.id, 1000, 1);
    under.setChoked('a', true);
    under.addSource('b', null, 1, 2);
    const [second] = under.assign(2) as [Request];
    under.received(second.id, second.length, 3);
    const suspects = [
      { source: 'a', from: 0, to: 1000 },
      { source: 'b', from: 1000, to: 1000 + second.length },
    ];
    expect(under.corrupt(0)).toEqual({ banned: [], suspects });
    const [third] = under.assign(4) as [Request];
    expect(third).toMatchObject({ source: 'b', offset: 0 });
    under.received(third.id, 10, 5);
    under.removeSource('b');
    under.setChoked('a', false);
    const [fourth] = under.assign(6) as [Request];
    expect(fourth).toMatchObject({ source: 'a', offset: 0 });
    under.received(fourth.id, fourth.length, 7);
    expect(under.corrupt(0)).toEqual({ banned: ['a'], suspects: [] });
  });

  it('takes of what two send only what is not there yet, and knows from whom it is', () => {
    const under = scheduler(2);
    under.addSource('slow', null, 1, 0);
    under.addSource('fast', null, 1, 0);
    const [first, other] = under.assign(0) as [Request, Request];
    deliver(under, other, 1);
    under.received(first.id, 100, 50);
    under.tick(100);
    const [second] = under.assign(200) as [Request];
    expect(second).toMatchObject({ source: 'fast', piece: first.piece, offset: first.offset + 100 });
    expect(under.received(second.id, 500, 201).place).toEqual({ piece: first.piece, at: 100, skip: 0 });
    expect(under.received(first.id, 300, 202).place).toBeNull();
    expect(under.received(first.id, 300, 203).place).toEqual({ piece: first.piece, at: 600, skip: 200 });
    under.received(second.id, second.length - 500, 204);
    expect(under.corrupt(first.piece).suspects).toEqual([
      { source: 'slow', from: 0, to: 100 },
      { source: 'fast', from: 100, to: 600 },
      { source: 'slow', from: 600, to: 700 },
      { source: 'fast', from: 700, to: 100 + second.length },
    ]);
  });

  it('does not ask a source again for a piece that it refused', () => {
    const under = scheduler(1);
    under.addSource('a', null, 1, 0);
    under.rejected((under.assign(0) as [Request])[0].id);
    expect(under.assign(1)).toEqual([]);
    expect(under.starving).toBe(true);
  });
});

/** What happens next to one of the sources, in the words of the property below. */
const step = fc.record({
  what: fc.constantFrom(
    'deliver',
    'deliver',
    'deliver',
    'deliver',
    'die',
    'choke',
    'unchoke',
    'tick',
    'reject',
  ),
  who: fc.nat({ max: 5 }),
  bytes: fc.integer({ min: 1, max: 2 * PIECE }),
});
const world = fc.record({
  pieces: fc.integer({ min: 1, max: 6 }),
  order: fc.constantFrom('sequential' as const, 'rarest' as const),
  /** The pieces of each source; the first source has all and never lies, and the steps cannot touch it. */
  others: fc.array(
    fc.record({ has: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), lies: fc.boolean() }),
    { maxLength: 5 },
  ),
  honestSource: fc.boolean(),
  steps: fc.array(step, { maxLength: 120 }),
});

describe('any order of arrivals, cancellations ignored, corruptions and deaths', () => {
  it('ends with the exact file, or knows that nobody has the rest', () => {
    fc.assert(
      fc.property(world, ({ pieces, order, others, honestSource, steps }) => {
        const layout = layoutOf(pieces);
        const content = Buffer.alloc(layout.size);
        for (let at = 0; at < content.length; at += 1009) content[at] = (at * 31) % 251;
        const verified = new PieceMap(pieces);
        const under = new PieceScheduler({ layout, verified, order, random: () => 0.5, timeoutMs: 5000 }, 0);
        const buffers = new Map<number, Buffer>();
        const result = Buffer.alloc(layout.size, 0xee);
        const queues = new Map<string, { request: Request; sent: number }[]>();
        const liars = new Set<string>();
        let now = 0;

        const add = (id: string, map: PieceMap | null): void => {
          queues.set(id, []);
          under.addSource(id, map, 1, now);
        };
        if (honestSource) add('s0', null);
        others.forEach(({ has, lies }, at) => {
          const map = new PieceMap(pieces);
          for (const [piece, present] of has.entries()) if (present) map.add(piece);
          if (lies) liars.add(`s${at + 1}`);
          add(`s${at + 1}`, map);
        });

        const send = (id: string, length: number): void => {
          const queue = queues.get(id);
          const head = queue?.[0];
          if (!queue || !head) return;
          const part = Math.min(length, head.request.length - head.sent);
          const from = head.request.offset + head.sent;
          head.sent += part;
          if (head.sent === head.request.length) queue.shift();
          const bytes = Buffer.from(content.subarray(from, from + part));
          if (liars.has(id)) bytes[0] = (bytes[0] as number) ^ 0xff;
          const { place, complete } = under.received(head.request.id, part, now);
          if (!place) return;
          const whole = pieceLength(layout, place.piece);
          let buffer = buffers.get(place.piece);
          buffer ??= Buffer.alloc(whole);
          buffers.set(place.piece, buffer);
          bytes.copy(buffer, place.at, place.skip);
          if (!complete) return;
          const offset = pieceOffset(layout, place.piece);
          if (buffer.equals(content.subarray(offset, offset + whole))) {
            buffer.copy(result, offset);
            under.verified(place.piece);
          } else {
            for (const banned of under.corrupt(place.piece).banned) queues.delete(banned);
          }
          buffers.delete(place.piece);
        };
        const ask = (): void => {
          for (const request of under.assign(now)) queues.get(request.source)?.push({ request, sent: 0 });
        };

        for (const { what, who, bytes } of steps) {
          now += 10;
          ask();
          const id = `s${who}`;
          if (what === 'deliver') send(id, bytes);
          else if (what === 'tick') {
            for (const { source, dead } of under.tick(now)) {
              if (dead) {
                under.removeSource(source);
                queues.delete(source);
              }
            }
          } else if (who === 0) continue;
          else if (what === 'die') {
            under.removeSource(id);
            queues.delete(id);
          } else if (what === 'choke') {
            under.setChoked(id, true);
            queues.get(id)?.splice(0);
          } else if (what === 'unchoke') under.setChoked(id, false);
          else {
            const refused = queues.get(id)?.shift();
            if (refused) under.rejected(refused.request.id);
          }
        }
        for (const id of queues.keys()) under.setChoked(id, false);
        for (let round = 0; round < 500 && !under.complete && !under.starving; round++) {
          now += 10;
          ask();
          for (const id of [...queues.keys()]) {
            under.showedLife(id, now);
            send(id, PIECE);
          }
        }

        if (under.complete) expect(result.equals(content)).toBe(true);
        else expect(under.starving).toBe(true);
        if (honestSource) expect(under.complete).toBe(true);
        for (const { id } of under.rates()) expect(under.isBanned(id)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
