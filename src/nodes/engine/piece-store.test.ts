import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { NodeContext } from '../../runtime/context';
import { systemFiles } from '../../runtime/files';
import { systemHashing } from '../../runtime/hashing';
import { Simulation } from '../../runtime/testing/simulation';
import { scratchFolder } from '../../testing/scratch-folder';
import { PieceStore } from './piece-store';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const layout = layoutOf(9 * 2 ** 20 + 12_345, 256 * 1024);
const content = Buffer.from(
  Uint32Array.from({ length: Math.ceil(layout.size / 4) }, (_, i) => Math.imul(i, 2_654_435_761)).buffer,
).subarray(0, layout.size);
const sha256 = createHash('sha256').update(content).digest('hex');

/** Real files and threads. */
async function storeIn(folder: string): Promise<PieceStore> {
  const files = systemFiles(quiet);
  const context: NodeContext = { ...new Simulation().context('node'), files, hashing: systemHashing(2) };
  return new PieceStore(context, {
    folder: await files.folder(folder),
    name: 'a',
    layout,
    verification: { kind: 'digest', algorithm: 'sha256', hex: sha256 },
    wholeDigest: false,
    identity: 'it',
  });
}

describe('a file whose pieces are kept in any order', () => {
  it('is digested as what it is, and is what came', async () => {
    const folder = await scratchFolder();
    const inSomeOrder = fc.array(fc.nat(7), { minLength: layout.count, maxLength: layout.count });
    await fc.assert(
      fc.asyncProperty(inSomeOrder, fc.nat(3), async (delays, pause) => {
        const store = await storeIn(folder);
        await store.open();
        // Neighbours change places by as much as their delays differ.
        const order = delays
          .map((delay, piece) => ({ piece, at: piece + delay }))
          .sort((a, b) => a.at - b.at);
        const kept: Promise<unknown>[] = [];
        for (const [n, { piece }] of order.entries()) {
          const at = pieceOffset(layout, piece);
          store.put(piece, 0, content.subarray(at, at + pieceLength(layout, piece)));
          kept.push(store.keep(piece, () => {}));
          if (pause > 0 && n % pause === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(kept);
        expect(await store.finish()).toBe(sha256);
        await store.close();
        expect((await readFile(join(folder, 'a.part'))).equals(content)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
