import { createHash } from 'node:crypto';
import type { Stretch } from '../../protocol/pieces/scheduler';

interface Trace extends Stretch {
  /** Of the bytes that it sent. */
  digest: string;
}

/**
 * Who sent the wrong bytes of a piece in which several had a part shows when the right ones are known. Only digests of
 * the parts are kept until then. BitTorrent clients do the same (libtorrent calls it "smart ban").
 */
export class Suspicions {
  readonly #traces = new Map<number, Trace[]>();

  remember(piece: number, stretches: readonly Stretch[], wrong: Uint8Array): void {
    this.#traces.set(
      piece,
      stretches.map((stretch) => ({ ...stretch, digest: digestOf(stretch, wrong) })),
    );
  }

  /** Those who had sent other bytes than the right ones. */
  resolve(piece: number, right: Uint8Array): string[] {
    const traces = this.#traces.get(piece) ?? [];
    this.#traces.delete(piece);
    const guilty = traces.filter((trace) => trace.digest !== digestOf(trace, right));
    return [...new Set(guilty.map(({ source }) => source))];
  }
}

function digestOf({ from, to }: Stretch, piece: Uint8Array): string {
  return createHash('sha256').update(piece.subarray(from, to)).digest('base64');
}
