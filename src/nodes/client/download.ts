import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { NodeContext } from '../../runtime/context';
import { codeOf, reasonOf, sentenceOf } from '../shared/error-text';
import type { Located, Locator } from './locator';
import type { ClientConfig, DownloadProgress, DownloadResult } from './manifest';
import type { PartialFile } from './partial-file';
import { askDigest, transfer } from './transfer';
import { verified } from './verified';

/** A server that failed is not used again for so long, whatever the index says. */
const EXCLUDED_MS = 3000;
/** A foreign index that names an excluded server is asked again at once so often, since it may draw lots … */
const QUICK_ASKS = 5;
/** … and then at this pace, until its monitor has noticed or the exclusion ends. */
const SLOW_ASK_MS = 500;
/** After the first failure in a row, doubling up to the second. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2000;
const MAX_MARKS = 100;

export interface DownloadPorts {
  context: NodeContext;
  config: ClientConfig;
  locator: Locator;
  /** Told how far it is, for every bit that comes; passing it on less often is the listener's business. */
  report(progress: DownloadProgress): void;
  signal: AbortSignal;
}

/**
 * One download, from the first question to the verified file. When a server refuses, stalls, dies or has
 * something else, the index is asked again; what has arrived is kept where the next server can go on from
 * there, and proved by a hash of the whole at the end.
 */
export class Download {
  readonly #name: string;
  readonly #partial: PartialFile;
  readonly #ports: DownloadPorts;
  readonly #progress: DownloadProgress = { phase: 'waiting', bytes: 0, segments: [], marks: [] };
  readonly #excludedUntil = new Map<string, number>();
  /** In a row, without a byte of progress. */
  #failures = 0;
  #lastFailure = '';
  /** The most that has ever been there: getting to the same place again is no progress. */
  #furthest = 0;
  #mayResume: boolean;
  /** More than one connection has contributed, so only a hash can tell that the parts belong together. */
  #composed = false;
  /** What the index has answered already. */
  #located: Located | null;

  constructor(name: string, partial: PartialFile, located: Located | null, ports: DownloadPorts) {
    this.#name = name;
    this.#partial = partial;
    this.#located = located;
    this.#ports = ports;
    this.#mayResume = !ports.config.strict;
  }

  /**
   * Resolves when the whole file is in the partial file, flushed and checked; it is not renamed yet.
   * @throws StudioError with code FILE_NOT_FOUND, INDEX_UNREACHABLE, DOWNLOAD_FAILED or a code of the disk
   */
  async run(): Promise<Omit<DownloadResult, 'path'>> {
    this.#report();
    for (;;) {
      this.#ports.signal.throwIfAborted();
      const server = await this.#locate();
      if (!server) continue;
      const how = await this.#from(server);
      if (how !== null) {
        const size = this.#partial.content.length;
        return { ...this.#progress, size, sha256: await this.#partial.content.digest(), verified: how };
      }
    }
  }

  /** Null: ask again. */
  async #locate(): Promise<Located | null> {
    const { locator, signal } = this.#ports;
    const located = this.#located;
    this.#located = null;
    if (located) return located;
    for (let asked = 0; ; asked++) {
      const excluded = this.#excluded();
      let server: Located | null;
      try {
        server = await locator.locate(this.#name, excluded, signal);
      } catch (error) {
        signal.throwIfAborted();
        await this.#failed('INDEX_UNREACHABLE', `The index cannot be asked: ${reasonOf(error)}`);
        return null;
      }
      if (!server) {
        if (this.#failures === 0 && this.#furthest === 0) throw this.#notFound();
        await this.#failed('FILE_NOT_FOUND', 'The index knows no other server for it now');
        return null;
      }
      if (!excluded.includes(server.serverId)) return server;
      if (asked >= QUICK_ASKS) await this.#sleep(SLOW_ASK_MS);
    }
  }

  /** Reads from this server. Returns what was verified, or null when another attempt is needed. */
  async #from(server: Located): Promise<string | null> {
    const { context, config, signal } = this.#ports;
    await this.#prepare(server);
    const resumed = this.#partial.content.length > 0;
    this.#composed ||= resumed;
    this.#begin(server, resumed);
    const options = { timeoutMs: config.timeoutMs, signal };
    // Where the index knows no hash, the sender's is computed while the bytes travel, and awaited when they are here.
    let digest: Promise<string | null> | undefined;
    const outcome = await transfer(context, server, this.#partial.content, {
      ...options,
      onSize: (size) => {
        this.#sizeIs(size, server);
        if (server.sha256 === undefined && hasHashes(server, config))
          digest = askDigest(context, server, null, options);
      },
      onBytes: (count) => this.#arrived(count),
    });
    if (outcome.type === 'complete') return this.#verify(server, await digest);
    if (this.#partial.content.error) throw diskError(this.#partial.content.error);
    if (outcome.type === 'different') {
      await this.#startAgain(`${server.serverId} has another version`);
      return null;
    }
    this.#exclude(server);
    await this.#failed('DOWNLOAD_FAILED', `${server.serverId} (${addressOf(server)}): ${outcome.reason}`);
    return null;
  }

  /** Decides whether what is there can be kept. */
  async #prepare(server: Located): Promise<void> {
    const { context, config, signal } = this.#ports;
    if (this.#partial.content.length === 0 && this.#partial.leftover > 0 && !this.#composed) {
      if (!this.#resumable(server) || this.#partial.leftover > server.size)
        return this.#partial.content.restart();
      const length = await this.#partial.content.adopt(server.size, signal);
      const theirs = await askDigest(context, server, length, { timeoutMs: config.timeoutMs, signal });
      signal.throwIfAborted();
      if (theirs !== (await this.#partial.content.digest()))
        return this.#startAgain('what an earlier download left is not of this file');
      this.#progress.segments.push({ source: 'earlier', bytes: length });
      this.#progress.bytes = this.#furthest = length;
      return;
    }
    if (this.#partial.content.length === 0 || this.#resumable(server)) return;
    await this.#startAgain(`${server.serverId} cannot go on in the middle of a file`);
  }

  #resumable(server: Located): boolean {
    return this.#mayResume && hasHashes(server, this.#ports.config);
  }

  /**
   * By the hash that the index was told when the file was added. Without one (the file is still being hashed, or only
   * the sender itself could vouch for its bytes), by the sender's: that proves the way, and not the sender's disk.
   * @param senders the sender's own hash, if it was asked
   */
  async #verify(server: Located, senders: string | null | undefined): Promise<string | null> {
    this.#progress.phase = 'verifying';
    this.#report();
    await this.#partial.content.flush().catch((error: unknown) => {
      throw diskError(error);
    });
    this.#ports.signal.throwIfAborted();
    const expected = server.sha256 ?? senders;
    if (expected === (await this.#partial.content.digest()))
      return server.sha256 === undefined ? verified.bySender : verified.byIndex;
    if (!expected && !this.#composed) return verified.bySize;
    this.#mayResume = false;
    const why = !expected
      ? `the parts cannot be checked, since ${server.serverId} does not answer any more`
      : server.sha256 === undefined
        ? `the hash differs from that of ${server.serverId}`
        : 'the bytes are not those that the file had when it was added (SHA-256)';
    if (!this.#composed) this.#exclude(server);
    this.#ports.context.telemetry.event({
      type: 'file-damaged',
      subject: server.serverId,
      level: 'bad',
      text: `${this.#name} from ${server.serverId} is thrown away: ${sentenceOf(why)}`,
    });
    await this.#startAgain(why);
    await this.#failed('HASH_MISMATCH', `From ${server.serverId}: ${why}`);
    return null;
  }

  #begin(server: Located, resumed: boolean): void {
    const { serverId } = server;
    const address = addressOf(server);
    const before = this.#progress.source;
    this.#progress.phase = 'running';
    this.#progress.source = { serverId, address };
    if (this.#progress.segments.at(-1)?.source !== serverId || !resumed) {
      this.#progress.segments.push({ source: serverId, bytes: 0 });
    }
    const { telemetry } = this.#ports.context;
    if (before) {
      const how = resumed ? `continues at byte ${this.#partial.content.length}` : 'starts from the beginning';
      this.#mark(`${how} on ${serverId}`);
      telemetry.event({
        type: 'reroute',
        subject: this.#name,
        level: 'warning',
        text: `${this.#name} ${how} on ${serverId} (${address}), after: ${this.#lastFailure}`,
      });
    } else {
      if (resumed) this.#mark(`resumed at byte ${this.#partial.content.length} on ${serverId}`);
      telemetry.event({
        type: 'transfer-started',
        subject: this.#name,
        text: `${this.#name} comes from ${serverId} (${address}).`,
      });
    }
    this.#report();
  }

  #sizeIs(size: number, server: Located): void {
    if (size !== server.size)
      this.#mark(`${server.serverId} has ${size} bytes, the index said ${server.size}`);
    this.#progress.size = size;
    this.#report();
  }

  #arrived(count: number): void {
    this.#progress.bytes = this.#partial.content.length;
    const segment = this.#progress.segments.at(-1);
    if (segment) segment.bytes += count;
    if (this.#partial.content.length > this.#furthest) {
      this.#furthest = this.#partial.content.length;
      this.#failures = 0;
    }
    this.#report();
  }

  async #startAgain(why: string): Promise<void> {
    this.#mark(`starts again: ${why}`);
    this.#lastFailure = why;
    this.#composed = false;
    await this.#partial.content.restart().catch((error: unknown) => {
      throw diskError(error);
    });
    this.#progress.bytes = 0;
    this.#progress.segments = [];
  }

  /** Pauses before the next attempt, or gives up. @throws StudioError */
  async #failed(code: string, why: string): Promise<void> {
    this.#failures++;
    // That there is nobody else explains nothing: what the last server did is what a person wants to know.
    const reason = code === 'FILE_NOT_FOUND' && this.#lastFailure ? `${this.#lastFailure}. ${why}` : why;
    if (code !== 'FILE_NOT_FOUND' || !this.#lastFailure) this.#lastFailure = why;
    this.#progress.phase = 'waiting';
    this.#mark(why);
    this.#report();
    if (this.#failures >= this.#ports.config.attempts) {
      throw new StudioError(
        code,
        `${this.#name} could not be downloaded. ${sentenceOf(reason)}`,
        'See whether a content server with this file is running, and try again; what has arrived is kept.',
      );
    }
    // The first time another server is likely to be there: no pause at all.
    const pause =
      this.#failures === 1 && code !== 'FILE_NOT_FOUND' ? 0 : FIRST_PAUSE_MS * 2 ** (this.#failures - 1);
    if (pause > 0) await this.#sleep(Math.min(LAST_PAUSE_MS, pause));
  }

  #exclude(server: Located): void {
    this.#excludedUntil.set(server.serverId, this.#ports.context.clock.now() + EXCLUDED_MS);
  }

  #excluded(): string[] {
    const now = this.#ports.context.clock.now();
    return [...this.#excludedUntil].filter(([, until]) => until > now).map(([serverId]) => serverId);
  }

  #notFound(): StudioError {
    return new StudioError(
      'FILE_NOT_FOUND',
      `No live server has a file called ${this.#name}.`,
      'Look the name up in the catalogue, or start a content server that has it.',
    );
  }

  #mark(text: string): void {
    const { marks, bytes } = this.#progress;
    if (marks.length >= MAX_MARKS) marks.shift();
    marks.push({ at: this.#ports.context.clock.wallTime(), bytes, text });
  }

  #report(): void {
    const { segments, marks } = this.#progress;
    this.#ports.report({ ...this.#progress, segments: segments.map((s) => ({ ...s })), marks: [...marks] });
  }

  #sleep(ms: number): Promise<void> {
    return this.#ports.context.clock.sleep(ms, this.#ports.signal);
  }
}

/** Only a server that announced it is asked for more than the seed protocol has. */
function hasHashes(server: Located, config: ClientConfig): boolean {
  return !config.strict && server.features.includes('resume');
}

function addressOf(server: Located): string {
  return formatEndpoint({ host: server.host, port: server.tcpPort });
}

function diskError(error: unknown): StudioError {
  const code = codeOf(error) ?? 'DISK';
  const hint =
    code === 'ENOSPC'
      ? 'Make room on the disk, or save somewhere else.'
      : 'Save somewhere else, or see why the folder cannot be written.';
  return new StudioError(code, `The file cannot be written: ${sentenceOf(reasonOf(error))}`, hint, {
    cause: error,
  });
}
