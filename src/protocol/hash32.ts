/**
 * A hash of 32 bits for tables, rings and sketches: FNV-1a (Fowler, Noll and Vo) with the finaliser of
 * MurmurHash3 (Appleby), after which every bit of the input has moved every bit of the output. Not for secrets.
 */
export function hash32(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix32(hash);
}

/** The finaliser alone, for what is a number already. */
export function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
