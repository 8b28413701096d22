import { fileNameProblem, isHiddenName, percentDecodeName } from '../../protocol/file-name';
import type { Tolerance } from '../../protocol/micro-cdn';
import type { NodeContext } from '../../runtime/context';
import { BufferPool } from '../shared/buffer-pool';
import { codeOf } from '../shared/error-text';
import { RateLimit } from '../shared/rate-limit';
import type { Digests } from './digests';
import { HotCache } from './hot-cache';
import type { Library } from './library';
import type { ContentConfig } from './manifest';
import { PieceHashCache } from './span-server';

/** Transfers that are told to the journal, a second; all are counted. */
const EVENTS_PER_SECOND = 20;

/** What the sessions of one content server share. */
export class Shop {
  readonly config: ContentConfig;
  readonly context: NodeContext;
  readonly tolerance: Tolerance;
  readonly library: Library;
  readonly hot: HotCache;
  readonly digests: Digests;
  readonly pieceHashes: PieceHashCache;
  readonly buffers = new BufferPool();
  readonly #events: RateLimit;
  #load = 0;
  /** Called when `load` is different. */
  onLoad: () => void = () => {};

  constructor(
    config: ContentConfig,
    context: NodeContext,
    tolerance: Tolerance,
    library: Library,
    digests: Digests,
  ) {
    this.config = config;
    this.context = context;
    this.tolerance = tolerance;
    this.library = library;
    this.hot = new HotCache(library.folder, context.clock);
    this.digests = digests;
    this.pieceHashes = new PieceHashCache(library.folder, context.hashing);
    this.#events = new RateLimit(EVENTS_PER_SECOND, context.clock);
  }

  /** Clients being served now. */
  get load(): number {
    return this.#load;
  }

  enter(): void {
    this.#load++;
    this.onLoad();
  }

  leave(): void {
    this.#load--;
    this.onLoad();
  }

  /** Tells the journal, unless it is being told too much. */
  tell(type: string, name: string, text: string, level: 'info' | 'good' | 'warning' = 'info'): void {
    this.context.telemetry.count(type);
    if (this.#events.allow()) this.context.telemetry.event({ type, subject: name, text, level });
  }

  /**
   * Runs `use` with the asked name, and, when there is no such file, with the name that it may be the
   * percent-encoded form of: names with a space are announced so to foreign indexes.
   *
   * @throws an error of code 'ENOENT' or 'UNSAFE_NAME', or whatever `use` throws
   */
  async resolve<T>(asked: string, use: (name: string) => Promise<T>): Promise<T> {
    try {
      return await use(visible(asked));
    } catch (error) {
      const decoded = percentDecodeName(asked);
      if (codeOf(error) !== 'ENOENT' || decoded === null) throw error;
      return use(visible(decoded));
    }
  }
}

/** Refuses before the disk is touched; files that are still being written are not served either. */
function visible(name: string): string {
  const problem = fileNameProblem(name);
  if (problem !== null)
    throw Object.assign(new Error(`the name is refused: ${problem}`), { code: 'UNSAFE_NAME' });
  if (isHiddenName(name)) throw Object.assign(new Error('Hidden.'), { code: 'ENOENT' });
  return name;
}
