import type { Fields } from '../../protocol/http/fields';
import { endToEndFields } from '../../protocol/http/hop-by-hop';
import type { NodeContext } from '../../runtime/context';
import type { ArrivingContent } from './content';
import { ArrivingFileContent } from './disk-content';
import { Entry, overheadOf, type ReplyMeta } from './entry';
import type { Flight } from './flight';
import { type Library, weightOf } from './library';
import { MemoryContent } from './memory-content';
import { PassingContent } from './passing-content';

/** Brings content from origins into the store, or only past it, and gathers parts of replies. */
export class Arrivals {
  readonly #context: NodeContext;
  readonly #library: Library;

  constructor(context: NodeContext, library: Library) {
    this.#context = context;
    this.#library = library;
  }

  /**
   * Makes room for an entry's content: in memory if it may fit there, or else on disk.
   * @param length undefined: not known, so it is found out step by step whether it fits
   * @returns false when there is room in neither
   */
  store(entry: Entry, length: number | undefined): boolean {
    const content = this.#contentFor(entry, length);
    if (!content) return false;
    entry.content = content;
    this.#library.put(entry);
    return true;
  }

  /** Content of a flight's reply. */
  part(flight: Flight, bytes: Uint8Array): void {
    const { content, entry, gathers } = flight;
    gathers?.parts.push(Buffer.from(bytes));
    if (flight.discards || !content) return;
    if (content instanceof MemoryContent && content.kept && entry && content.length === undefined) {
      // What is reserved for an entry that is gone would never be given back.
      if (entry.gone || !this.#library.reserve(entry, bytes.length)) {
        this.#library.remove(entry);
        content.passOn(() => flight.call?.abort());
      }
    }
    const wait = content.append(bytes);
    if (!wait) return;
    const { call } = flight;
    call?.pause();
    void wait.then(() => call?.resume());
  }

  /** The content is complete. */
  end(flight: Flight, trailers: Fields | undefined): void {
    const { entry, content, gathers } = flight;
    gathers?.done(Buffer.concat(gathers.parts));
    if (flight.discards || !entry || !content) return;
    if (trailers && trailers.size > 0) entry.trailers = endToEndFields(trailers);
    if (content instanceof ArrivingFileContent) {
      this.#library.disk?.received(entry, content).catch((error: Error) => {
        this.#context.log.warn(`${entry.key} can't be stored on disk: ${error.message}`);
        this.drop(entry, content);
      });
      return;
    }
    void content.finish();
    entry.arrivedFields = undefined;
    if (content.kept && !entry.gone) this.#settle(entry);
  }

  /** The content will never be complete: who reads it is told, and nobody finds it any more. */
  drop(entry: Entry, content: ArrivingContent): void {
    content.fail();
    this.#library.remove(entry);
  }

  /** Stores an entry whose content is all there, or all there is of it. */
  keep(entry: Entry): void {
    this.#library.put(entry);
    if (this.#library.reserve(entry, weightOf(entry))) this.#settle(entry);
    else this.#library.remove(entry);
  }

  #settle(entry: Entry): void {
    this.#library.settle(entry);
    if (!entry.partial) this.#library.disk?.persist(entry);
  }

  #contentFor(entry: Entry, length: number | undefined): ArrivingContent | undefined {
    const weight = overheadOf(entry.fields, entry.key) + (length ?? 0);
    if (this.#library.reserve(entry, weight)) return new MemoryContent(length);
    return length === undefined ? undefined : this.#library.disk?.receive(entry, length);
  }
}

/** An entry that only passes: it is read by those who wait for it, and not found by anybody else. */
export function passingEntry(
  key: string,
  meta: ReplyMeta,
  arrivedFields: Fields,
  length: number | undefined,
  now: number,
  ageMs: number,
): { entry: Entry; content: PassingContent } {
  const content = new PassingContent(length);
  const fields = endToEndFields(arrivedFields);
  return { entry: new Entry(key, [], '', { ...meta, fields }, content, now, ageMs), content };
}
