/** A set of pieces: one bit each, the first piece the highest bit of the first byte. */
export class PieceMap {
  readonly size: number;
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  static full(size: number): PieceMap {
    const map = new PieceMap(size);
    for (let piece = 0; piece < size; piece++) map.add(piece);
    return map;
  }

  /** Null when the bytes are no map of so many pieces: wrong length, or bits beyond the last piece. */
  static fromBytes(bytes: Uint8Array, size: number): PieceMap | null {
    if (bytes.length !== Math.ceil(size / 8)) return null;
    const spare = bytes.length * 8 - size;
    if (spare > 0 && ((bytes.at(-1) as number) & ((1 << spare) - 1)) !== 0) return null;
    const map = new PieceMap(size);
    for (let piece = 0; piece < size; piece++) {
      if (((bytes[piece >> 3] as number) & (0x80 >> (piece & 7))) !== 0) map.add(piece);
    }
    return map;
  }

  get count(): number {
    return this.#count;
  }

  get complete(): boolean {
    return this.#count === this.size;
  }

  has(piece: number): boolean {
    return ((this.#bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0;
  }

  add(piece: number): void {
    if (piece < 0 || piece >= this.size || this.has(piece)) return;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] as number) | (0x80 >> (piece & 7));
    this.#count++;
  }

  delete(piece: number): void {
    if (!this.has(piece)) return;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] as number) & ~(0x80 >> (piece & 7));
    this.#count--;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bits);
  }
}
