/** Large reads and writes cost least; with few transfers there is memory for them … */
const LARGE = 512 * 1024;
/** … with many there is not. */
const SMALL = 128 * 1024;
const FEW = 32;

/** Buffers for transfers, reused: allocating and clearing one costs as much as sending it. */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #lent = 0;

  take(): Buffer {
    this.#lent++;
    return this.#lent > FEW
      ? Buffer.allocUnsafeSlow(SMALL)
      : (this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGE));
  }

  /** Gives back a buffer that nobody reads any more. */
  give(buffer: Buffer): void {
    this.#lent--;
    if (buffer.length === LARGE && this.#free.length < FEW) this.#free.push(buffer);
  }
}
