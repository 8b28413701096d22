/** Lookups that went to other holders because one is dead: what its death meant for clients. */
export class Detours {
  readonly #counts = new Map<string, number>();

  /**
   * Counts one. Told are the first, the tenth, the hundredth …, so that a busy index does not fill the journal.
   * @returns how many there were so far, when that is to be told
   */
  count(serverId: string): number | undefined {
    const count = (this.#counts.get(serverId) ?? 0) + 1;
    this.#counts.set(serverId, count);
    return Number.isInteger(Math.log10(count)) ? count : undefined;
  }

  /** The server is back: how many there were. */
  end(serverId: string): number {
    const count = this.#counts.get(serverId) ?? 0;
    this.#counts.delete(serverId);
    return count;
  }
}
