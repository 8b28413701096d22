/** A file from peers of the seed: whole, from one after the other until somebody's fits its md5. */
import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { HolderInfo } from '../../protocol/p2p-messages';
import type { NodeContext } from '../../runtime/context';
import { finishFile } from '../engine/part-file';
import { reasonOf, sentenceOf } from '../shared/error-text';
import { type DownloadJob, type Fetching, viewOfWaiting } from './download-job';
import type { PeerDownload, PeerDownloadProgress, PeerDownloadResult } from './manifest';
import { downloadFromSeedPeer } from './seed-download';

const MAX_MEASURED = 1000;

/** How fast peers of the seed gave whole files before: nothing else tells how busy they are. */
export class MeasuredRates {
  readonly #rates = new Map<string, number>();

  note(address: string, bytes: number, ms: number): void {
    this.#rates.delete(address);
    this.#rates.set(address, (bytes * 1000) / Math.max(1, ms));
    if (this.#rates.size > MAX_MEASURED) this.#rates.delete(this.#rates.keys().next().value as string);
  }

  /**
   * Fastest first; those that are not known yet come before, in random order. A connection made only to measure is
   * out of the question: a peer of the seed would take it for a request.
   */
  order(holders: readonly HolderInfo[], random: () => number): { holder: HolderInfo; why: string }[] {
    return holders
      .map((holder) => ({ holder, rate: this.#rates.get(formatEndpoint(holder)) ?? null, dice: random() }))
      .sort((a, b) => (b.rate ?? Number.MAX_VALUE) - (a.rate ?? Number.MAX_VALUE) || a.dice - b.dice)
      .map(({ holder, rate }) => ({
        holder,
        why: `${rate === null ? 'not measured yet' : `gave ${Math.round(rate / 1024)} KiB/s before`}; plain protocol, whole files only`,
      }));
  }
}

export interface PlainDownloadOptions {
  context: NodeContext;
  rates: MeasuredRates;
  /** A peer that sends nothing for so long is given up. */
  timeoutMs: number;
  changed(): void;
}

export class PlainDownload implements Fetching {
  readonly #job: DownloadJob;
  readonly #options: PlainDownloadOptions;
  readonly #marks: PeerDownloadProgress['marks'] = [];
  /** The peer that is asked now. */
  #from: { address: string; why: string } | null = null;
  #bytes = 0;
  #size = 0;

  constructor(job: DownloadJob, options: PlainDownloadOptions) {
    this.#job = job;
    this.#options = options;
  }

  async run(holders: readonly HolderInfo[]): Promise<PeerDownloadResult> {
    const { context, rates } = this.#options;
    const { name, folder, keepPartial, scope } = this.#job;
    const reasons: string[] = [];
    for (const { holder, why } of rates.order(holders, context.random)) {
      const address = formatEndpoint(holder);
      this.#from = { address, why };
      try {
        return await this.#runFrom(holder, address);
      } catch (error) {
        scope.signal.throwIfAborted();
        const reason = `${address}: ${reasonOf(error)}`;
        rates.note(address, 0, 1);
        reasons.push(reason);
        this.#failedAt(address, reasonOf(error));
      } finally {
        if (scope.signal.aborted && !keepPartial) await folder.remove(`${name}.part`).catch(() => {});
      }
    }
    // What a peer of the seed sent cannot be resumed: nothing says to which file it belongs.
    await folder.remove(`${name}.part`).catch(() => {});
    throw new StudioError(
      'NO_SOURCE',
      `${name} could not be downloaded from anybody. ${sentenceOf(...reasons)}`,
      'Try again when a peer that has it is up.',
    );
  }

  view(): PeerDownload {
    const source = this.#from && {
      id: this.#from.address,
      address: this.#from.address,
      state: 'active' as const,
      bytes: this.#bytes,
      bytesPerSecond: 0,
      why: this.#from.why,
    };
    const waiting = viewOfWaiting(this.#job);
    if (!source) return waiting;
    return { ...waiting, phase: 'running', bytes: this.#bytes, size: this.#size, sources: [source] };
  }

  async #runFrom(holder: HolderInfo, address: string): Promise<PeerDownloadResult> {
    const { context, rates, timeoutMs } = this.#options;
    const { name, folder, scope } = this.#job;
    const startedAt = context.clock.now();
    const { size, md5 } = await downloadFromSeedPeer({
      context,
      folder,
      name,
      from: holder,
      timeoutMs,
      signal: scope.signal,
      progress: (bytes, total) => scope.progress({ ...this.#progress(address, bytes, total) }),
    });
    rates.note(address, size, context.clock.now() - startedAt);
    const saved = await finishFile(folder, name);
    return {
      ...this.#progress(address, size, size),
      path: `${folder.path}/${saved}`,
      size,
      verified: `size and md5 (${md5})`,
      wasted: 0,
    };
  }

  #progress(address: string, bytes: number, size: number): PeerDownloadProgress {
    this.#bytes = bytes;
    this.#size = size;
    this.#options.changed();
    return {
      phase: 'running',
      bytes,
      size,
      source: { serverId: address, address },
      segments: [{ source: address, bytes }],
      marks: this.#marks,
    };
  }

  #failedAt(address: string, reason: string): void {
    const { clock, telemetry } = this.#options.context;
    this.#marks.push({ at: clock.wallTime(), bytes: this.#bytes, text: `${address}: ${reason}` });
    telemetry.event({
      type: 'source-lost',
      text: `${this.#job.name} from ${address}: ${sentenceOf(reason)} The next peer is asked.`,
      subject: address,
      level: 'warning',
    });
  }
}
