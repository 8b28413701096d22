/** Which entry of a full cache goes first. Pure: no clock, no dice that are not given. */
export interface EvictionPolicy<Key> {
  /**
   * A new entry.
   * @param weight what it takes of the capacity, in the capacity's unit: bytes, or 1
   */
  insert(key: Key, weight: number): void;
  /** An entry was used. */
  touch(key: Key): void;
  /** An entry has gone for another reason: purged, replaced. */
  remove(key: Key): void;
  /** Picks the next entry to go, and forgets it. Undefined when there is none. */
  evict(): Key | undefined;
}

/** Makes a policy for a cache of `capacity`, in the unit of the weights. */
export type CreatePolicy = <Key>(capacity: number) => EvictionPolicy<Key>;
