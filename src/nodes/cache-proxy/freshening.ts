import { headAgrees, selectsStored } from '../../protocol/http/cache/validation';
import { isStrong } from '../../protocol/http/etag';
import type { Fields } from '../../protocol/http/fields';
import type { Clock } from '../../runtime/context';
import type { Entry } from './entry';
import type { Library } from './library';
import { type Arrived, isPersonal, type ReplyRules } from './reply-rules';

/** Renews what is stored by newer heads of the same representation (RFC 9111, sections 4.3.4 and 4.3.5). */
export class Freshening {
  readonly #clock: Clock;
  readonly #library: Library;
  readonly #rules: ReplyRules;

  constructor(clock: Clock, library: Library, rules: ReplyRules) {
    this.#clock = clock;
    this.#library = library;
    this.#rules = rules;
  }

  /**
   * By a 304 to a question about `entry`. `use` may still answer with the entry, even where its newer fields forbid
   * to store it any longer; but not where it is one user's by now (RFC 9111, section 3.5).
   * @returns why the entry is of no use to those who wait; null when it was used
   */
  byNotModified(entry: Entry, reply: Arrived, use: () => void): string | null {
    if (entry.gone || !selectsStored(reply.fields, entry.fields, reply.timing.receivedAt)) {
      this.#library.remove(entry);
      return 'the validator was not the stored one';
    }
    const renewed = this.#identifiedBy(reply.fields, entry);
    for (const each of renewed) this.#update(each, reply);
    const personal = isPersonal(entry.credentials, entry.control);
    if (!personal) use();
    this.#removeForbidden(renewed);
    return personal ? 'what is stored was for credentials' : null;
  }

  /** By the 200 to a HEAD, which renews what would have answered it, or shows that it no longer holds. */
  byHead(key: string, request: Fields, reply: Arrived): void {
    const stored = this.#library
      .selected(key, request)
      .filter(({ meta, partial }) => meta.status === 200 && !partial);
    for (const entry of stored) {
      if (headAgrees(reply.fields, entry.fields, entry.content.length)) this.#update(entry, reply);
      else this.#library.remove(entry);
    }
    this.#removeForbidden(stored);
  }

  /** A strong validator identifies every stored reply that has it. */
  #identifiedBy(newer: Fields, entry: Entry): Entry[] {
    const etag = newer.first('etag');
    if (etag === undefined || !isStrong(etag)) return [entry];
    return this.#library.variantsOf(entry.key).filter((other) => other.etag === etag);
  }

  #update(entry: Entry, reply: Arrived): void {
    entry.update(this.#rules.updated(entry.meta, reply), this.#clock.now(), reply.ageMs);
    this.#library.reweigh(entry);
    this.#library.disk?.update(entry);
  }

  #removeForbidden(renewed: Entry[]): void {
    for (const entry of renewed) if (!this.#rules.mayStay(entry)) this.#library.remove(entry);
  }
}
