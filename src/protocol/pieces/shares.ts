/**
 * Shares several downloads of one node among the sources that they use at once, by weight: start-time fair queueing
 * (Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996) of requests instead of packets. A download waits only at a
 * source where one of greater weight has bytes to come, so nothing is held back that another could not have.
 */

/** A download that wanted nothing of a source for so long has no claim to what others had of it meanwhile. */
const FORGET_MS = 500;

export interface ClaimOptions {
  weight: number;
  /** Whether the source owes bytes that would be taken now. */
  waitsForBytes(): boolean;
  /** It was refused, and may ask now. */
  wake(): void;
}

export class Shares {
  readonly #claims = new Map<string, Set<Claim>>();

  /** A download begins to use a source; `release` the claim when it no longer does. */
  claim(source: string, options: ClaimOptions): Claim {
    let rivals = this.#claims.get(source);
    if (!rivals) {
      rivals = new Set();
      this.#claims.set(source, rivals);
    }
    const claim = new Claim(rivals, options, () => {
      if (rivals.size === 0 && this.#claims.get(source) === rivals) this.#claims.delete(source);
    });
    rivals.add(claim);
    return claim;
  }

  /** Sources that are claimed. */
  get size(): number {
    return this.#claims.size;
  }
}

export class Claim {
  weight: number;
  readonly #options: ClaimOptions;
  /** All claims to the source, this one among them. */
  readonly #rivals: Set<Claim>;
  readonly #released: () => void;
  /** Bytes received, each divided by the weight that counted then. */
  #served = 0;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** What it would have been served before it could ask again; null: it was not refused. */
  #refusedAt: number | null = null;

  constructor(rivals: Set<Claim>, options: ClaimOptions, released: () => void) {
    this.#rivals = rivals;
    this.#options = options;
    this.#released = released;
    this.weight = options.weight;
  }

  /** @param outstanding bytes that this download has asked the source for and not received */
  mayAsk(outstanding: number, now: number): boolean {
    if (!this.#present(now)) this.#catchUp(now);
    this.#seenAt = now;
    const wanted = this.#served + outstanding / this.weight;
    this.#refusedAt = null;
    for (const rival of this.#rivals) {
      if (rival.weight <= this.weight || rival.#served >= wanted || !rival.#options.waitsForBytes()) continue;
      this.#refusedAt = wanted;
      return false;
    }
    return true;
  }

  received(bytes: number): void {
    this.#served += bytes / this.weight;
    if (this.#rivals.size === 1) return;
    for (const rival of this.#rivals)
      if (rival.#refusedAt !== null && rival.#refusedAt <= this.#served) rival.#options.wake();
  }

  release(): void {
    this.#rivals.delete(this);
    this.#released();
  }

  #present(now: number): boolean {
    return now - this.#seenAt <= FORGET_MS;
  }

  /** What others had before this one came is theirs. */
  #catchUp(now: number): void {
    const present = [...this.#rivals].filter((rival) => rival !== this && rival.#present(now));
    if (present.length === 0) return;
    this.#served = Math.max(this.#served, Math.min(...present.map((rival) => rival.#served)));
  }
}
