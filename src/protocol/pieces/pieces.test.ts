import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseUnchoked, TURN_MS, type UploadPeer } from './choker';
import { defaultPieceSize, isSoundLayout, layoutOf, pieceLength, pieceOffset } from './layout';
import { PieceMap } from './piece-map';
import { TokenBucket } from './token-bucket';

const MiB = 1024 * 1024;

describe('layout', () => {
  it('grows with the file', () => {
    expect(defaultPieceSize(0)).toBe(256 * 1024);
    expect(defaultPieceSize(16 * MiB)).toBe(256 * 1024);
    expect(defaultPieceSize(1024 * MiB)).toBe(MiB);
    expect(defaultPieceSize(1024 * 1024 * MiB)).toBe(4 * MiB);
  });

  it('covers every byte once', () => {
    fc.assert(
      fc.property(fc.nat({ max: 64 * MiB }), (size) => {
        const layout = layoutOf(size);
        let end = 0;
        for (let piece = 0; piece < layout.count; piece++) {
          expect(pieceOffset(layout, piece)).toBe(end);
          expect(pieceLength(layout, piece)).toBeGreaterThan(0);
          end += pieceLength(layout, piece);
        }
        expect(end).toBe(size);
      }),
    );
  });

  it('refuses what would cost too much memory', () => {
    expect(isSoundLayout(layoutOf(5 * MiB), 1000)).toBe(true);
    expect(isSoundLayout(layoutOf(5 * MiB, 3 * MiB), 1000)).toBe(false);
    expect(isSoundLayout(layoutOf(5 * MiB, 1024), 1_000_000)).toBe(false);
    expect(isSoundLayout(layoutOf(2 ** 50, 64 * MiB), 1_000_000)).toBe(false);
    expect(isSoundLayout(layoutOf(2 ** 50), 1000)).toBe(false);
  });
});

describe('piece map', () => {
  it('is the set it stands for, and travels', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.array(fc.nat({ max: 120 })),
        fc.array(fc.nat({ max: 120 })),
        (size, added, deleted) => {
          const map = new PieceMap(size);
          const expected = new Set(added.filter((piece) => piece < size));
          for (const piece of added) map.add(piece);
          for (const piece of deleted) {
            map.delete(piece);
            expected.delete(piece);
          }
          const back = PieceMap.fromBytes(map.toBytes(), size);
          expect(back?.count).toBe(expected.size);
          for (let piece = 0; piece < size; piece++) expect(back?.has(piece)).toBe(expected.has(piece));
          expect(map.complete).toBe(expected.size === size);
        },
      ),
    );
  });

  it('refuses bytes of another size', () => {
    expect(PieceMap.fromBytes(Uint8Array.of(0xff), 7)).toBeNull();
    expect(PieceMap.fromBytes(Uint8Array.of(0xfe), 7)?.complete).toBe(true);
    expect(PieceMap.fromBytes(new Uint8Array(2), 7)).toBeNull();
  });
});

describe('rate limit', () => {
  it('keeps to its rate over any pattern of use', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1e8 }),
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 5 }),
        (rate, sizes) => {
          const bucket = new TokenBucket(rate, 0);
          let now = 0;
          for (const bytes of sizes) now += bucket.take(bytes, now);
          const sent = sizes.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
          // All but the last burst has been waited for.
          expect(now).toBeGreaterThanOrEqual(((sent - rate / 10) / rate) * 1000 - 1);
        },
      ),
    );
  });

  it('is no limit at 0', () => {
    expect(new TokenBucket(0, 0).take(1e12, 0)).toBe(0);
  });
});

describe('choking', () => {
  const peer = (id: string, more: Partial<UploadPeer> = {}): UploadPeer => ({
    id,
    givesPerSecond: 0,
    unchokedAt: null,
    waitingSince: 0,
    ...more,
  });

  it('lets everybody in while there are slots', () => {
    expect(chooseUnchoked([peer('a'), peer('b')], 2, 0)).toEqual(new Set(['a', 'b']));
  });

  it('prefers those who give, but keeps a slot for newcomers', () => {
    const givers = ['a', 'b', 'c'].map((id, at) => peer(id, { givesPerSecond: 10 + at }));
    const chosen = chooseUnchoked([...givers, peer('new', { waitingSince: -1 })], 2, 0);
    expect(chosen).toEqual(new Set(['c', 'new']));
  });

  it('starves nobody: each of n peers has a slot again after n turns at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), (count, slots) => {
        let peers = Array.from({ length: count }, (_, at) => peer(`p${at}`));
        const lastServed = new Map(peers.map(({ id }) => [id, 0]));
        for (let now = 0; now < 30 * TURN_MS; now += TURN_MS / 4) {
          const chosen = chooseUnchoked(peers, slots, now);
          expect(chosen.size).toBe(Math.min(slots, count));
          peers = peers.map((one) =>
            chosen.has(one.id)
              ? { ...one, unchokedAt: one.unchokedAt ?? now }
              : { ...one, unchokedAt: null, waitingSince: one.unchokedAt === null ? one.waitingSince : now },
          );
          for (const id of chosen) lastServed.set(id, now);
          for (const at of lastServed.values()) expect(now - at).toBeLessThanOrEqual((count + 1) * TURN_MS);
        }
      }),
    );
  });
});
