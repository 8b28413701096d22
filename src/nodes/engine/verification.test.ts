import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { layoutOf } from '../../protocol/pieces/layout';
import { PieceMap } from '../../protocol/pieces/piece-map';
import { memoryHashing } from '../../runtime/testing/memory-hashing';
import { OrderedDigest } from './verification';

const PIECE = 256 * 1024;
const pieces = ['a', 'b', 'c'].map((letter) => Buffer.alloc(PIECE, letter));
const sha256 = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');

function newDigest(): { digest: OrderedDigest; written: PieceMap; add(piece: number): void } {
  const layout = layoutOf(3 * PIECE, PIECE);
  const written = new PieceMap(layout.count);
  const file = { read: () => Promise.reject(new Error('There is no need to read.')) };
  const digest = new OrderedDigest(memoryHashing.hasher('sha256', 1), layout, written, file);
  const add = (piece: number): void => {
    written.add(piece);
    void digest.add(piece, bytesOf(piece));
  };
  return { digest, written, add };
}

/** They own their memory, as a hasher wants them. */
function bytesOf(piece: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(PIECE);
  pieces[piece]?.copy(bytes);
  return bytes;
}

it('is of all pieces, also of those that are written in the moment in which others have been hashed', async () => {
  const { digest, add } = newDigest();
  for (const piece of [0, 1, 2]) add(piece);
  expect(await digest.finish()).toBe(sha256);
});

it('is in order when a piece is taken before it is written, and later ones were written before', async () => {
  const { digest, add } = newDigest();
  add(1);
  expect([0, 1, 2].filter((piece) => digest.isNext(piece))).toEqual([0]);
  void digest.takeNext(bytesOf(0));
  add(2);
  expect(await digest.finish()).toBe(sha256);
});
