/**
 * Who is in the ring, in which order. Every member keeps such a table; tables are merged whenever two members
 * talk. A record is replaced only by a greater one, and merging is commutative, associative and idempotent, so
 * that all who can reach each other end with the same table, whatever was lost, doubled or reordered on the way
 * (a join-semilattice; the incarnation numbers are those of SWIM, Das et al. 2002).
 */

import { MAX_MEMBERS } from './ring-messages';

export type MemberState = 'alive' | 'left' | 'dead';

export interface MemberRecord {
  /** `ip:port`, its name. */
  address: string;
  /** Rises when the member comes back, or contradicts its own death. */
  incarnation: number;
  state: MemberState;
  /** Its place in the circle: digits of a hexadecimal fraction, without trailing zeros. */
  place: string;
}

/** At one incarnation, the worse news wins, and the member's own word over what others suppose. */
const RANK: Record<MemberState, number> = { alive: 0, dead: 1, left: 2 };

export class MemberTable {
  readonly self: string;
  readonly #records = new Map<string, MemberRecord>();
  #sorted: string[] | undefined;
  #digest: string | undefined;

  constructor(self: string) {
    this.self = self;
    this.#set({ address: self, incarnation: 0, state: 'alive', place: '8' });
  }

  get records(): MemberRecord[] {
    return [...this.#records.values()];
  }

  get(address: string): MemberRecord | undefined {
    return this.#records.get(address);
  }

  isAlive(address: string): boolean {
    return this.#records.get(address)?.state === 'alive';
  }

  /** The live members in the order of the circle, beginning with the lowest place. */
  get alive(): readonly string[] {
    this.#sorted ??= this.records
      .filter(({ state }) => state === 'alive')
      .sort(byPlace)
      .map(({ address }) => address);
    return this.#sorted;
  }

  /** The live members after `address` in the circle, nearest first, without it. */
  after(address: string): string[] {
    const record = this.#records.get(address);
    if (!record) return [...this.alive];
    const others = this.alive.filter((other) => other !== address);
    const cut = others.findIndex((other) => byPlace(this.#records.get(other) as MemberRecord, record) > 0);
    return cut < 0 ? others : [...others.slice(cut), ...others.slice(0, cut)];
  }

  /** A short text that is equal where two tables are equal. */
  get digest(): string {
    this.#digest ??= fingerprint(
      this.records
        .map(({ address, incarnation, state, place }) => `${address} ${incarnation} ${state} ${place}\n`)
        .sort()
        .join(''),
    );
    return this.#digest;
  }

  /**
   * Takes what another member knows. News of our own death is contradicted with a higher incarnation.
   * @returns whether anything changed here
   */
  merge(records: readonly MemberRecord[]): boolean {
    let changed = false;
    for (const record of records) {
      const known = this.#records.get(record.address);
      if (!known && this.#records.size >= MAX_MEMBERS) continue;
      if (known && compare(record, known) <= 0) continue;
      const contradicted =
        record.address === this.self && record.state !== 'alive' && known?.state === 'alive';
      this.#set(contradicted ? { ...record, incarnation: record.incarnation + 1, state: 'alive' } : record);
      changed = true;
    }
    return changed;
  }

  /**
   * Lets a member in after `predecessor`. One that is alive already keeps its place: it asks again because it
   * has not heard of its admission.
   * @returns whether the table changed
   */
  insert(address: string, predecessor: string): boolean {
    const known = this.#records.get(address);
    if (known?.state === 'alive') return false;
    if (!known && this.#records.size >= MAX_MEMBERS) return false;
    const after = this.#records.get(predecessor) ?? (this.#records.get(this.self) as MemberRecord);
    const successor = this.after(after.address)[0];
    const next = successor === undefined ? undefined : this.#records.get(successor);
    const limit = next && next.place > after.place ? next.place : null;
    const incarnation = (known?.incarnation ?? 0) + 1;
    this.#set({ address, incarnation, state: 'alive', place: between(after.place, limit) });
    return true;
  }

  /** A member thought dead has been reached: alive, where it was. */
  revive(address: string): boolean {
    const known = this.#records.get(address);
    if (!known || known.state === 'alive') return false;
    this.#set({ ...known, incarnation: known.incarnation + 1, state: 'alive' });
    return true;
  }

  /** @returns whether it was alive until now */
  remove(address: string, state: 'left' | 'dead'): boolean {
    const known = this.#records.get(address);
    if (known?.state !== 'alive') return false;
    this.#set({ ...known, state });
    return true;
  }

  #set(record: MemberRecord): void {
    this.#records.set(record.address, record);
    this.#sorted = undefined;
    this.#digest = undefined;
  }
}

/** Positive when `a` replaces `b`: the higher incarnation, then the state of higher rank, then the lower place. */
function compare(a: MemberRecord, b: MemberRecord): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  if (a.state !== b.state) return RANK[a.state] - RANK[b.state];
  if (a.place !== b.place) return a.place < b.place ? 1 : -1;
  return 0;
}

function byPlace(a: MemberRecord, b: MemberRecord): number {
  if (a.place !== b.place) return a.place < b.place ? -1 : 1;
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/**
 * The fraction in the middle of two, as hexadecimal digits; `null` is 1. Exact: it grows a digit where there is
 * no room, so that members can join at one place without end.
 */
export function between(low: string, high: string | null): string {
  const digits = Math.max(low.length, high?.length ?? 0) + 1;
  const value = (place: string): bigint => BigInt(`0x${place.padEnd(digits, '0')}`);
  const top = high === null ? 1n << BigInt(4 * digits) : value(high);
  const middle = (value(low) + top) / 2n;
  return middle.toString(16).padStart(digits, '0').replace(/0+$/, '');
}

/** Whether a value from the network is a record; its numbers and texts are bounded. */
export function isMemberRecord(value: unknown): value is MemberRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { address, incarnation, state, place } = value as Record<string, unknown>;
  return (
    typeof address === 'string' &&
    address.length <= 261 &&
    /^(?:\[[0-9a-fA-F:.%]+\]|[^:\s[\]/]+):\d{1,5}$/.test(address) &&
    Number.isSafeInteger(incarnation) &&
    (incarnation as number) >= 0 &&
    (incarnation as number) < 2 ** 48 &&
    (state === 'alive' || state === 'left' || state === 'dead') &&
    typeof place === 'string' &&
    /^[0-9a-f]{0,511}[1-9a-f]$/.test(place)
  );
}

/** 64 bits of FNV-1a in two halves: enough to tell tables apart, and not meant against forgers. */
export function fingerprint(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}
