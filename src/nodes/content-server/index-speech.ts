import type { ContentSnapshot } from './manifest';

/** How one sort of index is spoken to. Everything may throw what the network throws, and `Refused`. */
export interface IndexSpeech {
  /** How often `probe` is worth its cost. */
  readonly probeMs: number;
  /** Files that this index is not told of as they are called. */
  readonly heldBack: ContentSnapshot['heldBack'];
  /** Registers, with all files. */
  register(): Promise<void>;
  /** Whether it keeps what files hash to. */
  readonly keepsDigests: boolean;
  /**
   * Tells what has changed: the size of a file, or null for one that is gone.
   * @param hashed files whose digest is known now
   * @returns false when the index wants a registration instead
   */
  update(changes: ReadonlyMap<string, number | null>, hashed: ReadonlySet<string>): Promise<boolean>;
  /**
   * Looks whether the index still knows this server and takes it for alive.
   * @param suspicious there is reason to think that it was declared dead
   * @returns false when it is time to register again
   */
  probe(suspicious: boolean): Promise<boolean>;
  /**
   * Asks for no more clients.
   * @returns true when the index has understood
   */
  leave(signal: AbortSignal): Promise<boolean>;
  close(): void;
}
