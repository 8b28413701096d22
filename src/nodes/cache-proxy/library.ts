import { type PolicyName, policies } from '../../protocol/eviction/policies';
import type { EvictionPolicy } from '../../protocol/eviction/policy';
import { isPreferredLanguage, variantKey } from '../../protocol/http/cache/vary';
import type { Fields } from '../../protocol/http/fields';
import type { Clock } from '../../runtime/context';
import { RequestLog } from '../shared/http/request-log';
import type { DiskTier } from './disk-tier';
import { type Entry, overheadOf } from './entry';
import type { EvictedView, PurgeView } from './manifest';
import { MemoryContent } from './memory-content';

/** Replies of one key that differ in what Vary names; the oldest go beyond. */
const MAX_VARIANTS = 32;
/** No reply may take more of the memory than this. */
const MAX_SHARE = 0.5;
const KEPT_EVICTIONS = 50;
const KEPT_PURGES = 50;

const nothing: readonly Entry[] = [];

/** All stored replies: which there are, and which of them are in memory. The disk has its own tier. */
export class Library {
  readonly #clock: Clock;
  readonly #resources = new Map<string, Entry[]>();
  readonly #inMemory = new Map<string, Entry>();
  readonly #policy: EvictionPolicy<string>;
  readonly memoryCapacity: number;
  readonly evicted = new RequestLog<EvictedView>(KEPT_EVICTIONS);
  readonly purges = new RequestLog<PurgeView>(KEPT_PURGES);
  readonly #changed: () => void;
  disk: DiskTier | undefined;
  memoryUsed = 0;
  evictions = 0;
  #objects = 0;

  constructor(clock: Clock, memoryCapacity: number, eviction: PolicyName, changed: () => void) {
    this.#clock = clock;
    this.memoryCapacity = memoryCapacity;
    this.#policy = policies[eviction]<string>(memoryCapacity);
    this.#changed = changed;
  }

  get objects(): number {
    return this.#objects;
  }

  get memoryObjects(): number {
    return this.#inMemory.size;
  }

  /** Largest content that is kept in memory, bytes. */
  get maxMemoryObject(): number {
    return Math.floor(this.memoryCapacity * MAX_SHARE);
  }

  has(key: string): boolean {
    return this.#resources.has(key);
  }

  variantsOf(key: string): readonly Entry[] {
    return this.#resources.get(key) ?? nothing;
  }

  /**
   * The reply that answers a request: of several that it selects the most recent by Date (RFC 9111, section 4), but
   * one with Vary before one without, which many origins send by mistake (section 4.1).
   */
  select(key: string, request: Fields): Entry | undefined {
    let best: Entry | undefined;
    for (const entry of this.variantsOf(key)) {
      if ((best === undefined || isPreferred(entry, best)) && isSelected(entry, request)) best = entry;
    }
    return best;
  }

  /** All replies that a request selects (RFC 9111, section 4.1). */
  selected(key: string, request: Fields): Entry[] {
    return this.variantsOf(key).filter((entry) => isSelected(entry, request));
  }

  /** Adds a reply; one that it replaces goes. */
  put(entry: Entry): void {
    const variants = this.#resources.get(entry.key) ?? [];
    for (const other of [...variants]) if (other.name === entry.name) this.remove(other);
    const left = this.#resources.get(entry.key) ?? [];
    left.push(entry);
    this.#resources.set(entry.key, left);
    this.#objects++;
    if (left.length > MAX_VARIANTS) this.remove(left[0] as Entry);
    this.#changed();
  }

  /** Takes an entry out of the index and of both tiers. */
  remove(entry: Entry): void {
    if (entry.gone) return;
    entry.gone = true;
    entry.prepared = undefined;
    const variants = this.#resources.get(entry.key)?.filter((other) => other !== entry) ?? [];
    if (variants.length === 0) this.#resources.delete(entry.key);
    else this.#resources.set(entry.key, variants);
    this.#objects--;
    this.releaseMemory(entry);
    this.disk?.drop(entry);
    this.#changed();
  }

  /** An entry was used to answer. */
  touch(entry: Entry): void {
    entry.hits++;
    entry.lastUsed = this.#clock.wallTime();
    if (entry.memoryWeight > 0) this.#policy.touch(entry.name);
    if (entry.file !== undefined) this.disk?.touch(entry);
  }

  /**
   * Makes room in memory for `bytes` more of an entry that is arriving; others leave for it.
   * @returns false when there is not so much room
   */
  reserve(entry: Entry, bytes: number): boolean {
    const weight = entry.memoryWeight + bytes;
    if (weight > this.maxMemoryObject) return false;
    while (this.memoryUsed + bytes > this.memoryCapacity) if (!this.#evictFromMemory()) return false;
    entry.memoryWeight = weight;
    this.memoryUsed += bytes;
    return true;
  }

  /** An entry's content is complete: from now on it may be evicted. */
  settle(entry: Entry): void {
    if (entry.gone || entry.memoryWeight === 0) return;
    this.#inMemory.set(entry.name, entry);
    this.#policy.insert(entry.name, entry.memoryWeight);
    this.#changed();
  }

  /** The fields of an entry have changed, and with them what it takes. */
  reweigh(entry: Entry): void {
    if (entry.memoryWeight === 0 || entry.content.state !== 'complete') return;
    this.releaseMemory(entry);
    const weight = weightOf(entry);
    if (this.reserve(entry, weight)) this.settle(entry);
    else if (entry.file === undefined) this.remove(entry);
  }

  /** Gives back what an entry takes in memory. */
  releaseMemory(entry: Entry): void {
    if (this.#inMemory.get(entry.name) === entry) {
      this.#inMemory.delete(entry.name);
      this.#policy.remove(entry.name);
    }
    this.memoryUsed -= entry.memoryWeight;
    entry.memoryWeight = 0;
    entry.prepared = undefined;
  }

  /** A small reply that was read from the disk moves to memory; whoever reads one that is gone may finish. */
  promote(entry: Entry, bytes: Uint8Array): void {
    if (entry.memoryWeight > 0) return;
    const weight = bytes.length + overheadOf(entry.fields, entry.key);
    if (!entry.gone && !this.reserve(entry, weight)) return;
    entry.content = MemoryContent.of(bytes);
    this.settle(entry);
  }

  /** Nothing stored under the key may be used any more without asking (RFC 9111, section 4.4). */
  invalidate(key: string): number {
    const variants = [...this.variantsOf(key)];
    for (const entry of variants) this.remove(entry);
    return variants.length;
  }

  /** Removes what `matches`, and notes why. */
  purge(by: PurgeView['by'], value: string, matches: (entry: Entry) => boolean): number {
    const victims = [...this.all()].filter(matches);
    for (const entry of victims) this.remove(entry);
    this.purges.add({ at: this.#clock.wallTime(), by, value, removed: victims.length });
    this.#changed();
    return victims.length;
  }

  *all(): Generator<Entry> {
    for (const variants of this.#resources.values()) yield* variants;
  }

  noteEviction(entry: Entry, tier: 'memory' | 'disk', size: number): void {
    this.evictions++;
    const why = `${entry.hits === 0 ? 'never used' : `used ${entry.hits} times`}; its turn by the policy, room was needed`;
    this.evicted.add({ at: this.#clock.wallTime(), key: entry.key, size, tier, why });
  }

  #evictFromMemory(): boolean {
    const name = this.#policy.evict();
    const entry = name === undefined ? undefined : this.#inMemory.get(name);
    if (!entry) return false;
    this.#inMemory.delete(entry.name);
    this.noteEviction(entry, 'memory', entry.memoryWeight);
    if (entry.file !== undefined && this.disk) {
      this.memoryUsed -= entry.memoryWeight;
      entry.memoryWeight = 0;
      entry.prepared = undefined;
      entry.content = this.disk.contentOf(entry);
    } else this.remove(entry);
    return true;
  }
}

/** What an entry with complete content takes in memory. */
export function weightOf(entry: Entry): number {
  return (entry.partial?.held ?? entry.content.received) + overheadOf(entry.fields, entry.key);
}

/** Of the same rank, the one that came last. */
function isPreferred(entry: Entry, other: Entry): boolean {
  const varies = entry.varyNames.length > 0;
  if (varies !== other.varyNames.length > 0) return varies;
  return entry.date >= other.date;
}

/** Whether a request selects the reply, by what its Vary names (RFC 9111, section 4.1). */
export function isSelected(entry: Entry, request: Fields): boolean {
  if (entry.varyNames.length === 0) return true;
  return variantKey(entry.varyNames, request) === entry.variant || prefersLanguage(entry, request);
}

/** Other fields of Vary still have to match. */
function prefersLanguage(entry: Entry, request: Fields): boolean {
  if (!entry.varyNames.includes('accept-language')) return false;
  if (!isPreferredLanguage(entry.fields.get('content-language'), request.get('accept-language')))
    return false;
  const others = (variant: string): string =>
    variant
      .split('\n')
      .filter((line) => !line.startsWith('accept-language='))
      .join('\n');
  return others(entry.variant) === others(variantKey(entry.varyNames, request));
}
