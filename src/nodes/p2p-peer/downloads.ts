/** The downloads of a peer: whom to ask, in which way, and what there is to see and to steer of them. */
import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import { fileNameProblem } from '../../protocol/file-name';
import type { AnnouncedFile, HolderInfo } from '../../protocol/p2p-messages';
import { Shares } from '../../protocol/pieces/shares';
import type { Folder, NodeContext, OperationScope } from '../../runtime/context';
import { whoSpeaksFrames } from '../p2p/probe';
import { reasonOf } from '../shared/error-text';
import { type DownloadJob, viewOfWaiting } from './download-job';
import type { Servable } from './framed-upload';
import type { IndexLink } from './index-link';
import type { Library } from './library';
import type {
  P2pPeerConfig,
  P2pPeerOperations,
  PeerDownload,
  PeerDownloadProgress,
  PeerDownloadResult,
} from './manifest';
import { MeasuredRates, PlainDownload } from './plain-download';
import { SwarmDownload } from './swarm-download';

/** Holders behind a foreign index that are asked whether they are of our kind. */
const MAX_PROBED = 50;

export interface DownloadsOptions {
  context: NodeContext;
  config: P2pPeerConfig;
  /** Our own id. */
  peer: string;
  link: IndexLink;
  library: Library;
  folder: Folder;
  ownPort(): number;
  changed(): void;
}

interface Running {
  job: DownloadJob;
  /** Null while it is not known who has the file. */
  fetching: SwarmDownload | PlainDownload | null;
}

export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #running = new Map<string, Running>();
  readonly #rates = new MeasuredRates();
  readonly #shares = new Shares();

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  /** @throws StudioError, or the signal's reason when it is cancelled */
  async download(
    input: P2pPeerOperations['download']['input'],
    scope: OperationScope,
  ): Promise<PeerDownloadResult> {
    const { context, changed } = this.#options;
    const { name } = input;
    const problem = fileNameProblem(name);
    if (problem) throw new StudioError('UNSAFE_NAME', `"${name}" cannot be a file name: ${problem}.`);
    const folder = input.folder ? await context.files.folder(input.folder) : this.#options.folder;
    if (this.#running.has(name)) throw new StudioError('ALREADY', `${name} is being downloaded already.`);
    const ended = new AbortController();
    const running: Running = { job: this.#job(input, folder, scope, ended.signal), fetching: null };
    this.#running.set(name, running);
    context.telemetry.count('downloads');
    try {
      const result = await this.#fetch(running);
      context.telemetry.event({
        type: 'download-done',
        text: `${name} is saved to ${result.path} (${formatBytes(result.size)}; verified: ${result.verified}).`,
        subject: name,
        level: 'good',
      });
      return result;
    } catch (error) {
      if (!scope.signal.aborted) {
        context.telemetry.count('failed-downloads');
        context.telemetry.event({
          type: 'download-failed',
          text: `${name}: ${reasonOf(error)}`,
          subject: name,
          level: 'bad',
        });
      }
      throw error;
    } finally {
      ended.abort();
      this.#running.delete(name);
      changed();
    }
  }

  /** @throws StudioError when nothing of that name is under way, or it cannot be steered so */
  control({ name, paused, limit, priority }: P2pPeerOperations['control']['input']): void {
    const running = this.#running.get(name);
    if (!running) throw new StudioError('NO_DOWNLOAD', `No download of ${name} is under way.`);
    const { job, fetching } = running;
    const swarm = fetching instanceof SwarmDownload ? fetching : null;
    if (paused !== undefined && !swarm?.setPaused(paused))
      throw new StudioError('NO_DOWNLOAD', `No download of ${name} from several peers is under way.`);
    if (limit !== undefined) {
      job.limit = limit;
      swarm?.setLimit(limit);
    }
    if (priority !== undefined) {
      job.priority = priority;
      swarm?.setPriority(priority);
    }
    this.#options.changed();
  }

  /** Bytes per second that a peer sends us now. */
  givenBy(peer: string): number {
    return this.#swarms().reduce((sum, swarm) => sum + swarm.givenBy(peer), 0);
  }

  /** Downloads that can be announced, as files that are not complete. */
  partial(): AnnouncedFile[] {
    return this.#swarms().flatMap((swarm) => swarm.partial() ?? []);
  }

  /** What is there of a download, for others. */
  servable(name: string): Servable | undefined {
    const fetching = this.#running.get(name)?.fetching;
    return fetching instanceof SwarmDownload ? fetching.servable() : undefined;
  }

  view(): PeerDownload[] {
    return [...this.#running.values()].map(({ job, fetching }) => fetching?.view() ?? viewOfWaiting(job));
  }

  #swarms(): SwarmDownload[] {
    return [...this.#running.values()].flatMap(({ fetching }) =>
      fetching instanceof SwarmDownload ? [fetching] : [],
    );
  }

  #job(
    { name, keepPartial, priority, sources }: P2pPeerOperations['download']['input'],
    folder: Folder,
    scope: OperationScope,
    ended: AbortSignal,
  ): DownloadJob {
    const { config, folder: ours, library } = this.#options;
    const own = folder.path === ours.path;
    return {
      name,
      folder,
      partial: `${folder.path}/${name}.part`,
      keepPartial: keepPartial !== false,
      own,
      shared: own && !library.files.has(name),
      scope,
      limit: config.downloadLimit,
      priority,
      maxSources: sources ?? config.maxSources,
      ended,
    };
  }

  async #fetch(running: Running): Promise<PeerDownloadResult> {
    const { context, config, library, link, changed } = this.#options;
    const { job } = running;
    const { name, scope } = job;
    scope.progress({ phase: 'waiting', bytes: 0, segments: [], marks: [] } satisfies PeerDownloadProgress);
    const holders = this.#others(await link.find(name));
    scope.signal.throwIfAborted();
    if (holders.length === 0) {
      throw new StudioError(
        'NO_HOLDERS',
        `No other peer has ${name}.`,
        'Check the name with the list of files, or start a peer that has it.',
      );
    }
    const extended = config.strict ? [] : await this.#extended(holders, scope.signal);
    if (extended.length > 0) {
      const others = (found: readonly HolderInfo[]): HolderInfo[] => this.#others(found);
      running.fetching = new SwarmDownload(job, { ...this.#options, shares: this.#shares, others });
      return running.fetching.run(extended);
    }
    const { timeoutMs } = config;
    running.fetching = new PlainDownload(job, { context, rates: this.#rates, timeoutMs, changed });
    const result = await running.fetching.run(holders);
    void library.scan();
    return result;
  }

  /** Not ourselves: an index may name us too. */
  #others(holders: readonly HolderInfo[]): HolderInfo[] {
    const { peer, config, ownPort } = this.#options;
    return holders.filter((holder) => {
      const self = holder.peer === peer || (holder.port === ownPort() && holder.host === config.host);
      return !self;
    });
  }

  /** Holders that speak frames. A foreign index cannot tell, so they are asked themselves. */
  async #extended(holders: readonly HolderInfo[], signal: AbortSignal): Promise<HolderInfo[]> {
    const { link, context } = this.#options;
    if (link.dialect === 'frames') return holders.filter(({ extended }) => extended);
    const able = await whoSpeaksFrames(context, holders.slice(0, MAX_PROBED), signal);
    return able.map((holder) => ({ ...holder, extended: true }));
  }
}
