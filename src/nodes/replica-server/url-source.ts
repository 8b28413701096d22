import type { Log, Timer } from '../../runtime/context';
import { MemoryPage, type Page } from './page';
import type { PageSource } from './page-source';

/** Fetches a page. @throws an error that says why it could not be had */
export type FetchPage = (url: string) => Promise<Uint8Array>;

/** A page fetched from a URL again and again; the last good copy is served while it cannot be had. */
export class UrlSource implements PageSource {
  problem: string | undefined;
  #copy: MemoryPage | undefined;
  #updating: Promise<void> | undefined;
  readonly #refresh: Timer;

  /** @param every starts the timer of the refresh */
  constructor(
    readonly name: string,
    readonly fetch: FetchPage,
    readonly log: Log,
    every: (run: () => void) => Timer,
  ) {
    void this.#update();
    this.#refresh = every(() => void this.#update());
  }

  async current(): Promise<Page> {
    // While there has never been a copy, each client that comes is worth another try.
    if (!this.#copy) await this.#update();
    if (!this.#copy) throw new Error(this.problem);
    return this.#copy;
  }

  close(): void {
    this.#refresh.cancel();
  }

  #update(): Promise<void> {
    this.#updating ??= this.#fetchCopy().finally(() => {
      this.#updating = undefined;
    });
    return this.#updating;
  }

  async #fetchCopy(): Promise<void> {
    try {
      const bytes = await this.fetch(this.name);
      // The same bytes stay the same page, so that its age and hash stay too.
      if (!this.#copy || Buffer.compare(bytes, this.#copy.bytes) !== 0) this.#copy = new MemoryPage(bytes);
      this.problem = undefined;
    } catch (error) {
      this.problem = `${this.name} could not be fetched: ${(error as Error).message}`;
      this.log.warn(`${this.problem}${this.#copy ? '; the last good copy is served' : ''}`);
    }
  }
}
