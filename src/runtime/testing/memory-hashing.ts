import type { Hasher, Hashing } from '../context';
import { HasherOnTheSpot } from '../hashing';

/** Hashes at once, but takes bytes away as a thread does: who goes on using them is found out. */
export const memoryHashing: Hashing = {
  hasher(algorithm): Hasher {
    const inner = new HasherOnTheSpot(algorithm);
    return {
      hash: (block) => inner.hash(taken(block)),
      update: (part) => inner.update(taken(part)),
      digest: () => inner.digest(),
      close: () => inner.close(),
    };
  },
};

function taken(bytes: Uint8Array): Uint8Array {
  return structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
}
