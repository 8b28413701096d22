/** The downloads of a peer: whom to ask, how, and what becomes of the file. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';
import type { AnnouncedFile, HolderInfo } from '../../protocol/p2p-messages';
import type { Folder, NodeContext, OperationScope } from '../../runtime/context';
import { type DownloadListener, MultiSourceDownload } from '../engine/download';
import { finishFile } from '../engine/finish-file';
import type { PieceHashes } from '../engine/piece-hashes';
import { speaksFrames } from '../p2p/probe';
import { reasonOf } from '../shared/error-text';
import type { Servable } from './framed-upload';
import type { IndexLink } from './index-link';
import type { Library } from './library';
import type { P2pPeerConfig, PeerDownload, PeerDownloadProgress, PeerDownloadResult } from './manifest';
import { downloadFromSeedPeer } from './seed-download';
import { SwarmSource } from './swarm-source';

/** Holders that are asked at once what the file looks like, before the first answer decides. */
const ASK_AT_ONCE = 3;
const MAX_MEASURED = 1000;
/** A holder is tried again after so long, if the index still names it. */
const READD_MS = 5000;

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
  name: string;
  engine: MultiSourceDownload | null;
  /** From a peer of the seed: what there is to see of it. */
  plain: { bytes: number; size: number; source: string } | null;
  limit: number;
  paused: boolean;
  /** Why each holder was (or was not) taken. */
  why: Map<string, string>;
  sources: Map<string, SwarmSource>;
  hashes: PieceHashes | null;
  /** Path of the unfinished file. */
  partial: string;
  /** In our own folder: what is there of it is shared already. */
  shared: boolean;
  pieceListeners: Set<(piece: number) => void>;
  ended: AbortController;
}

export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #running = new Map<string, Running>();
  /** What peers of the seed gave, bytes per second, by address. */
  readonly #measured = new Map<string, number>();

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#running.size;
  }

  /** @throws StudioError, or the signal's reason when it is cancelled */
  async download(
    input: { name: string; folder?: string; keepPartial?: boolean },
    scope: OperationScope,
  ): Promise<PeerDownloadResult> {
    const { context, config, folder: ownFolder, changed } = this.#options;
    const { name } = input;
    const problem = fileNameProblem(name);
    if (problem) throw new StudioError('UNSAFE_NAME', `"${name}" cannot be a file name: ${problem}.`);
    if (this.#running.has(name)) throw new StudioError('ALREADY', `${name} is being downloaded already.`);
    const folder = input.folder ? await context.files.folder(input.folder) : ownFolder;
    const running: Running = {
      name,
      engine: null,
      plain: null,
      limit: config.downloadLimit,
      paused: false,
      why: new Map(),
      sources: new Map(),
      hashes: null,
      partial: `${folder.path}/${name}.part`,
      shared: folder.path === ownFolder.path && !this.#options.library.files.has(name),
      pieceListeners: new Set(),
      ended: new AbortController(),
    };
    this.#running.set(name, running);
    context.telemetry.count('downloads');
    try {
      const result = await this.#fetch(running, folder, input.keepPartial !== false, scope);
      context.telemetry.event({
        type: 'download-done',
        text: `${name} is saved to ${result.path} (${result.size} bytes; verified: ${result.verified}).`,
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
      running.ended.abort();
      this.#running.delete(name);
      changed();
    }
  }

  /** @throws StudioError when nothing of that name is under way */
  control({ name, paused, limit }: { name: string; paused?: boolean; limit?: number }): void {
    const running = this.#running.get(name);
    if (!running?.engine)
      throw new StudioError('NO_DOWNLOAD', `No download of ${name} from several peers is under way.`);
    if (limit !== undefined) {
      running.limit = limit;
      running.engine.setLimit(limit);
    }
    if (paused !== undefined) {
      running.paused = paused;
      running.engine.setPaused(paused);
    }
    this.#options.changed();
  }

  /** Bytes per second that a peer sends us now. */
  givenBy(peer: string): number {
    let sum = 0;
    for (const { engine, sources } of this.#running.values()) {
      if (!engine) continue;
      const mine = new Set(
        [...sources.values()].filter((source) => source.peer === peer).map(({ id }) => id),
      );
      if (mine.size === 0) continue;
      for (const { id, bytesPerSecond } of engine.view().sources) if (mine.has(id)) sum += bytesPerSecond;
    }
    return sum;
  }

  /** Downloads that can be announced, as files that are not complete. */
  partial(): AnnouncedFile[] {
    return [...this.#running.values()].flatMap((running) => partialFile(running) ?? []);
  }

  /** What is there of a download, for others. */
  servable(name: string): Servable | undefined {
    const running = this.#running.get(name);
    const { engine, hashes } = running ?? {};
    if (!running || !engine || !hashes || !running.shared) return undefined;
    return {
      name,
      layout: hashes.layout,
      root: hashes.root,
      hashes: hashes.hashes,
      has: engine.verified,
      read: (into, position) => engine.read(into, position),
      gone: running.ended.signal,
      onPiece: (told) => {
        running.pieceListeners.add(told);
        return () => running.pieceListeners.delete(told);
      },
      close: () => {},
    };
  }

  view(): PeerDownload[] {
    return [...this.#running.values()].map(({ name, engine, plain, limit, why }) => {
      if (engine) {
        const { sources, marks: _, ...view } = engine.view();
        return {
          name,
          ...view,
          limit,
          sources: sources.map((source) => ({ ...source, why: why.get(source.id) ?? '' })),
        };
      }
      const { bytes = 0, size = 0, source } = plain ?? {};
      return {
        name,
        phase: plain ? 'running' : 'waiting',
        bytes,
        size,
        bytesPerSecond: 0,
        wasted: 0,
        limit,
        sources: source
          ? [
              {
                id: source,
                address: source,
                state: 'active',
                bytes,
                bytesPerSecond: 0,
                why: why.get(source) ?? '',
              },
            ]
          : [],
        pieces: { perCell: 1, count: 0, from: [], availability: [] },
      };
    });
  }

  async #fetch(
    running: Running,
    folder: Folder,
    keepPartial: boolean,
    scope: OperationScope,
  ): Promise<PeerDownloadResult> {
    const { link, config } = this.#options;
    const { name } = running;
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
    if (extended.length > 0) return this.#fetchFromSwarm(running, extended, folder, keepPartial, scope);
    return this.#fetchFromSeed(running, holders, folder, keepPartial, scope);
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
    const answers = await Promise.all(
      holders.slice(0, 50).map((holder) => speaksFrames(context, holder, signal)),
    );
    return holders.filter((_, at) => answers[at]).map((holder) => ({ ...holder, extended: true }));
  }

  async #fetchFromSwarm(
    running: Running,
    holders: readonly HolderInfo[],
    folder: Folder,
    keepPartial: boolean,
    scope: OperationScope,
  ): Promise<PeerDownloadResult> {
    const { context, config, library, link } = this.#options;
    const { name } = running;
    const ranked = rankHolders(sameFile(holders), context.random);
    const hashes = await this.#describe(name, ranked, scope.signal);
    running.hashes = hashes;
    const { layout, root } = hashes;
    const engine = new MultiSourceDownload(
      context,
      {
        name,
        folder,
        layout,
        verification: { kind: 'pieces', hashes: hashes.hashes, root },
        identity: `root:${root.toString('hex')}`,
        order: 'rarest',
        timeoutMs: config.timeoutMs,
        patienceMs: config.patienceMs,
        maxSources: config.maxSources,
        limit: running.limit,
        discardPartial: !keepPartial,
      },
      this.#listener(running, scope),
    );
    running.engine = engine;
    const rootHex = root.toString('hex');
    const use = (found: readonly HolderInfo[]): void => {
      for (const holder of rankHolders(found, context.random)) {
        const hex = Buffer.from(holder.root).toString('hex');
        if (!holder.extended || (hex !== rootHex && !isZero(hex))) continue;
        this.#addSource(running, engine, holder, hashes);
      }
    };
    use(ranked);
    let tried = context.clock.now();
    const unfollow = link.follow(name, (found) => {
      const others = this.#others(found);
      const present = new Set(others.map((holder) => formatEndpoint(holder)));
      for (const id of running.sources.keys()) {
        if (present.has(id)) continue;
        running.sources.delete(id);
        engine.remove(id, 'it has the file no more');
      }
      const again = context.clock.now() - tried >= READD_MS;
      if (again) tried = context.clock.now();
      use(others.filter((holder) => again || !running.sources.has(formatEndpoint(holder))));
    });
    try {
      const outcome = await engine.run(scope.signal);
      const saved = await finishFile(folder, name);
      if (folder.path === this.#options.folder.path) library.adopt(saved, await folder.stat(saved), hashes);
      else if (running.shared) link.retract(name);
      const progress = this.#progress(running, engine);
      return {
        ...progress,
        path: `${folder.path}/${saved}`,
        size: layout.size,
        verified: outcome.verified,
        wasted: outcome.view.wasted,
      };
    } catch (error) {
      if (running.shared) link.retract(name);
      throw error;
    } finally {
      unfollow();
    }
  }

  #addSource(
    running: Running,
    engine: MultiSourceDownload,
    holder: HolderInfo,
    { root, layout }: PieceHashes,
  ): void {
    const source = new SwarmSource({
      context: this.#options.context,
      peer: this.#options.peer,
      port: this.#options.ownPort(),
      at: { host: holder.host, port: holder.port },
      name: running.name,
      expected: { root, layout },
    });
    const busy =
      holder.slots > 0
        ? `busy with ${holder.uploads} of ${holder.slots} uploads`
        : 'says nothing of its load';
    running.why.set(
      source.id,
      `${busy}; ${holder.complete ? 'has the whole file' : 'has a part of the file'}`,
    );
    if (!running.sources.has(source.id)) running.sources.set(source.id, source);
    engine.add(source);
  }

  /** The hashes of the file, from the first holder that can tell them. */
  async #describe(name: string, holders: readonly HolderInfo[], signal: AbortSignal): Promise<PieceHashes> {
    const reasons: string[] = [];
    for (let from = 0; from < holders.length; from += ASK_AT_ONCE) {
      const asked = holders
        .slice(from, from + ASK_AT_ONCE)
        .map((holder) => this.#hashesFrom(name, holder, signal));
      try {
        return await Promise.any(asked);
      } catch (error) {
        signal.throwIfAborted();
        for (const [at, reason] of (error as AggregateError).errors.entries())
          reasons.push(`${formatEndpoint(holders[from + at] as Endpoint)}: ${reasonOf(reason)}`);
      }
    }
    throw new StudioError(
      'NO_SOURCE',
      `Nobody who should have ${name} can be downloaded from. ${reasons.join('; ')}.`,
      'Try again when a peer that has it is up.',
    );
  }

  async #hashesFrom(name: string, holder: HolderInfo, signal: AbortSignal): Promise<PieceHashes> {
    const { context, peer, ownPort } = this.#options;
    const at = { host: holder.host, port: holder.port };
    const source = new SwarmSource({ context, peer, port: ownPort(), at, name, expected: null });
    const open = await source.open(silentEvents, signal);
    open.close();
    const file = source.file as PieceHashes;
    const announced = Buffer.from(holder.root).toString('hex');
    if (!isZero(announced) && announced !== file.root.toString('hex'))
      throw new Error('It has another file than it announced.');
    return file;
  }

  #listener(running: Running, scope: OperationScope): DownloadListener {
    const { context, link, changed } = this.#options;
    let announced = false;
    return {
      event: (type, text, level, subject) => context.telemetry.event({ type, text, level, subject }),
      changed: () => {
        if (running.engine) scope.progress({ ...this.#progress(running, running.engine) });
        changed();
      },
      pieceKept: (piece) => {
        const file = partialFile(running);
        if (!announced && file) link.announce(file);
        announced = true;
        for (const told of running.pieceListeners) told(piece);
      },
    };
  }

  #progress({ name, partial }: Running, engine: MultiSourceDownload): PeerDownloadProgress {
    const { phase, bytes, size, sources, marks } = engine.view();
    const best = sources.reduce((a, b) => (b.bytesPerSecond > (a?.bytesPerSecond ?? -1) ? b : a), sources[0]);
    return {
      phase,
      partial,
      bytes,
      size,
      ...(best ? { source: { serverId: best.id, address: best.address } } : {}),
      segments: sources
        .filter((source) => source.bytes > 0)
        .map((source) => ({ source: source.id, bytes: source.bytes })),
      marks: marks.map((mark) => ({ ...mark, text: mark.text.replace(`${name}: `, '') })),
    };
  }

  /** One peer of the seed after the other, the one that answers a connection fastest first. */
  async #fetchFromSeed(
    running: Running,
    holders: readonly HolderInfo[],
    folder: Folder,
    keepPartial: boolean,
    scope: OperationScope,
  ): Promise<PeerDownloadResult> {
    const { context, config } = this.#options;
    const { name } = running;
    const marks: PeerDownloadProgress['marks'] = [];
    const reasons: string[] = [];
    for (const { holder, why } of this.#byMeasuredRate(holders)) {
      const address = formatEndpoint(holder);
      const startedAt = context.clock.now();
      running.why.set(address, why);
      const report = (bytes: number, size: number): PeerDownloadProgress => {
        running.plain = { bytes, size, source: address };
        this.#options.changed();
        return {
          phase: 'running',
          bytes,
          size,
          source: { serverId: address, address },
          segments: [{ source: address, bytes }],
          marks,
        };
      };
      try {
        const { size, md5 } = await downloadFromSeedPeer({
          context,
          folder,
          name,
          from: holder,
          timeoutMs: config.timeoutMs,
          signal: scope.signal,
          progress: (bytes, total) => scope.progress({ ...report(bytes, total) }),
        });
        this.#measure(address, size, context.clock.now() - startedAt);
        const saved = await finishFile(folder, name);
        void this.#options.library.scan();
        return {
          ...report(size, size),
          path: `${folder.path}/${saved}`,
          size,
          verified: `size and md5 (${md5})`,
          wasted: 0,
        };
      } catch (error) {
        scope.signal.throwIfAborted();
        const reason = reasonOf(error);
        this.#measure(address, 0, 1);
        reasons.push(`${address}: ${reason}`);
        marks.push({
          at: context.clock.wallTime(),
          bytes: running.plain?.bytes ?? 0,
          text: `${address}: ${reason}`,
        });
        context.telemetry.event({
          type: 'source-lost',
          text: `${name} from ${address}: ${reason}. The next peer is asked.`,
          subject: address,
          level: 'warning',
        });
      } finally {
        if (scope.signal.aborted && !keepPartial) await folder.remove(`${name}.part`).catch(() => {});
      }
    }
    // What a peer of the seed sent cannot be resumed: nothing says to which file it belongs.
    await folder.remove(`${name}.part`).catch(() => {});
    throw new StudioError(
      'NO_SOURCE',
      `${name} could not be downloaded from anybody. ${reasons.join('; ')}.`,
      'Try again when a peer that has it is up.',
    );
  }

  /**
   * Fastest first, as measured in earlier downloads; those that are not known yet come before, in random order. A
   * connection made only to measure is out of the question: a peer of the seed would take it for a request.
   */
  #byMeasuredRate(holders: readonly HolderInfo[]): { holder: HolderInfo; why: string }[] {
    const { random } = this.#options.context;
    return holders
      .map((holder) => ({ holder, rate: this.#measured.get(formatEndpoint(holder)) ?? null, dice: random() }))
      .sort((a, b) => (b.rate ?? Number.MAX_VALUE) - (a.rate ?? Number.MAX_VALUE) || a.dice - b.dice)
      .map(({ holder, rate }) => ({
        holder,
        why: `${rate === null ? 'not measured yet' : `gave ${Math.round(rate / 1024)} KiB/s before`}; plain protocol, whole files only`,
      }));
  }

  #measure(address: string, bytes: number, ms: number): void {
    this.#measured.delete(address);
    this.#measured.set(address, (bytes * 1000) / Math.max(1, ms));
    if (this.#measured.size > MAX_MEASURED)
      this.#measured.delete(this.#measured.keys().next().value as string);
  }
}

/** The download as it is announced while it is under way; null while there is nothing to have from it. */
function partialFile({ name, engine, hashes, shared }: Running): AnnouncedFile | null {
  if (!engine || !hashes || !shared || engine.verified.count === 0) return null;
  return { name, size: hashes.layout.size, root: hashes.root, complete: false };
}

const noHash = '0'.repeat(64);
const isZero = (hex: string): boolean => hex === noHash;

/** Files of one name may differ: the one that most peers have in full is meant. */
function sameFile(holders: readonly HolderInfo[]): HolderInfo[] {
  const votes = new Map<string, number>();
  for (const { root, complete } of holders) {
    const hex = Buffer.from(root).toString('hex');
    if (!isZero(hex)) votes.set(hex, (votes.get(hex) ?? 0) + (complete ? 1000 : 1));
  }
  const winner = [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
  return holders.filter(({ root }) => {
    const hex = Buffer.from(root).toString('hex');
    return isZero(hex) || hex === winner;
  });
}

/** Least congested first: uploads per slot as the index knows them; equal ones in random order. */
function rankHolders(holders: readonly HolderInfo[], random: () => number): HolderInfo[] {
  return holders
    .map((holder) => ({
      holder,
      load: holder.slots > 0 ? holder.uploads / holder.slots : 0.5,
      dice: random(),
    }))
    .sort(
      (a, b) => Number(b.holder.complete) - Number(a.holder.complete) || a.load - b.load || a.dice - b.dice,
    )
    .map(({ holder }) => holder);
}

const silentEvents = {
  data: () => {},
  rejected: () => {},
  choked: () => {},
  have: () => {},
  life: () => {},
  gone: () => {},
};
