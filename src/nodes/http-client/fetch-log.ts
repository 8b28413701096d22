import type { ResponseHead } from '../../protocol/http/response-head';
import type { HttpUri } from '../../protocol/http/target';
import type { DownloadProgress, DownloadResult, FetchView } from './manifest';

const KEPT = 10;
/** Ten redirects, each tried some times; what comes after is more of the same. */
const MAX_REPLIES = 40;

/** The newest downloads, as they are shown: what was asked for, who answered what, and what came of it. */
export class FetchLog {
  readonly #fetches: FetchRecord[] = [];
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Newest first. */
  views(): FetchView[] {
    return this.#fetches.map((fetch) => fetch.view()).reverse();
  }

  begin(name: string, at: number): FetchRecord {
    const fetch = new FetchRecord(name, at, this.#changed);
    this.#fetches.push(fetch);
    if (this.#fetches.length > KEPT) this.#fetches.shift();
    this.#changed();
    return fetch;
  }
}

/** One download, under way or over. */
export class FetchRecord {
  readonly #name: string;
  readonly #at: number;
  readonly #changed: () => void;
  readonly #replies: FetchView['replies'] = [];
  #progress: DownloadProgress | undefined;
  #outcome: Pick<FetchView, 'phase' | 'path' | 'sha256' | 'verified' | 'error'> = { phase: 'running' };

  constructor(name: string, at: number, changed: () => void) {
    this.#name = name;
    this.#at = at;
    this.#changed = changed;
  }

  view(): FetchView {
    const { bytes = 0, segments = [] } = this.#progress ?? {};
    const sources = new Map<string, number>();
    for (const { source, bytes: of } of segments) {
      const address = source.replace(/\/.*$/s, '');
      sources.set(address, (sources.get(address) ?? 0) + of);
    }
    return {
      at: this.#at,
      name: this.#name,
      bytes,
      sources: [...sources].map(([address, of]) => ({ address, bytes: of })),
      replies: [...this.#replies],
      ...this.#outcome,
    };
  }

  /** The head of a reply to one of its requests. @param by who answered */
  replied({ status, fields }: ResponseHead, from: HttpUri, by: string): void {
    if (this.#replies.length >= MAX_REPLIES) return;
    const location = fields.first('location');
    const cacheStatus = fields.get('cache-status');
    this.#replies.push({
      url: `http://${from.authority}${from.path}`,
      by,
      status,
      ...(location === undefined ? {} : { location }),
      ...(cacheStatus === undefined ? {} : { cacheStatus }),
    });
    this.#changed();
  }

  /** Called for every piece that arrives. */
  progress(progress: DownloadProgress): void {
    this.#progress = progress;
    this.#changed();
  }

  done(result: DownloadResult): void {
    const { path, sha256, verified } = result;
    this.#outcome = { phase: 'done', path, sha256, verified };
    this.progress(result);
  }

  failed(error: string): void {
    this.#outcome = { phase: 'failed', error };
    this.#changed();
  }
}
