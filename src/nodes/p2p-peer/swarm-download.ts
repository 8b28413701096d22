/** A file from our own peers: from many at once, piece by piece, each verified before it is kept. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { Priority } from '../../contract/priority';
import type { AnnouncedFile, HolderInfo } from '../../protocol/p2p-messages';
import type { Shares } from '../../protocol/pieces/shares';
import type { NodeContext } from '../../runtime/context';
import { MultiSourceDownload } from '../engine/download';
import { finishFile } from '../engine/part-file';
import type { PieceHashes } from '../engine/piece-hashes';
import { reasonOf, sentenceOf } from '../shared/error-text';
import { type DownloadJob, type Fetching, viewOfWaiting } from './download-job';
import type { Servable } from './framed-upload';
import { isUnknown, rankHolders, sameFile, whyTaken } from './holders';
import type { IndexLink } from './index-link';
import type { Library } from './library';
import type { P2pPeerConfig, PeerDownload, PeerDownloadProgress, PeerDownloadResult } from './manifest';
import { SwarmSource } from './swarm-source';

/** Holders that are asked at once what the file looks like, before the first answer decides. */
const ASK_AT_ONCE = 3;
/** A holder is tried again after so long, if the index still names it. */
const READD_MS = 5000;

export interface SwarmDownloadOptions {
  context: NodeContext;
  config: Pick<P2pPeerConfig, 'timeoutMs' | 'patienceMs'>;
  /** Our own id. */
  peer: string;
  ownPort(): number;
  link: IndexLink;
  library: Library;
  shares: Shares;
  /** Leaves out what is ourselves. */
  others(holders: readonly HolderInfo[]): HolderInfo[];
  changed(): void;
}

export class SwarmDownload implements Fetching {
  readonly #job: DownloadJob;
  readonly #options: SwarmDownloadOptions;
  /** Why each holder was (or was not) taken. */
  readonly #why = new Map<string, string>();
  readonly #sources = new Map<string, SwarmSource>();
  readonly #pieceListeners = new Set<(piece: number) => void>();
  #engine: MultiSourceDownload | null = null;
  #hashes: PieceHashes | null = null;
  #announced = false;

  constructor(job: DownloadJob, options: SwarmDownloadOptions) {
    this.#job = job;
    this.#options = options;
  }

  async run(holders: readonly HolderInfo[]): Promise<PeerDownloadResult> {
    const { context, link } = this.#options;
    const { name, folder, scope, shared } = this.#job;
    const ranked = rankHolders(sameFile(holders), context.random);
    const hashes = await this.#describe(ranked);
    this.#hashes = hashes;
    const engine = this.#newEngine(hashes);
    this.#engine = engine;
    this.#use(ranked, engine, hashes);
    const unfollow = this.#followHolders(engine, hashes);
    try {
      const { verified, view } = await engine.run(scope.signal);
      const saved = await finishFile(folder, name);
      await this.#share(saved, hashes);
      return {
        ...this.#progress(engine),
        path: `${folder.path}/${saved}`,
        size: hashes.layout.size,
        verified,
        wasted: view.wasted,
      };
    } catch (error) {
      if (shared) link.retract(name);
      throw error;
    } finally {
      unfollow();
    }
  }

  view(): PeerDownload {
    if (!this.#engine) return viewOfWaiting(this.#job);
    const { name, limit } = this.#job;
    const { sources, marks: _, ...view } = this.#engine.view();
    return {
      name,
      ...view,
      limit,
      sources: sources.map((source) => ({ ...source, why: this.#why.get(source.id) ?? '' })),
    };
  }

  /** False before it is known how the file is cut. */
  setPaused(paused: boolean): boolean {
    this.#engine?.setPaused(paused);
    return this.#engine !== null;
  }

  /** Bytes per second; 0: no limit. */
  setLimit(bytesPerSecond: number): void {
    this.#engine?.setLimit(bytesPerSecond);
  }

  setPriority(priority: Priority): void {
    this.#engine?.setPriority(priority);
  }

  /** Bytes per second that a peer sends us now. */
  givenBy(peer: string): number {
    const mine = [...this.#sources.values()].filter((source) => source.peer === peer).map(({ id }) => id);
    if (mine.length === 0 || !this.#engine) return 0;
    const rates = this.#engine.view().sources.filter(({ id }) => mine.includes(id));
    return rates.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
  }

  /** As it is announced while it is under way; null while there is nothing to have from it. */
  partial(): AnnouncedFile | null {
    const hashes = this.#hashes;
    if (!this.#engine || !hashes || !this.#job.shared || this.#engine.verified.count === 0) return null;
    return { name: this.#job.name, size: hashes.layout.size, root: hashes.root, complete: false };
  }

  /** What is there of it, for others. */
  servable(): Servable | undefined {
    const engine = this.#engine;
    const hashes = this.#hashes;
    if (!engine || !hashes || !this.#job.shared) return undefined;
    return {
      name: this.#job.name,
      layout: hashes.layout,
      root: hashes.root,
      hashes: hashes.hashes,
      has: engine.verified,
      read: (into, position) => engine.read(into, position),
      gone: this.#job.ended,
      onPiece: (told) => {
        this.#pieceListeners.add(told);
        return () => this.#pieceListeners.delete(told);
      },
      close: () => {},
    };
  }

  #newEngine({ layout, root, hashes }: PieceHashes): MultiSourceDownload {
    const { context, config, shares, changed } = this.#options;
    const { name, folder, limit, priority, maxSources, keepPartial, scope } = this.#job;
    return new MultiSourceDownload(
      context,
      {
        name,
        folder,
        layout,
        verification: { kind: 'pieces', hashes, root },
        identity: `root:${root.toString('hex')}`,
        order: 'rarest',
        timeoutMs: config.timeoutMs,
        patienceMs: config.patienceMs,
        maxSources,
        limit,
        shares,
        priority,
        discardPartial: !keepPartial,
      },
      {
        event: (type, text, level, subject) => context.telemetry.event({ type, text, level, subject }),
        changed: () => {
          if (this.#engine) scope.progress({ ...this.#progress(this.#engine) });
          changed();
        },
        pieceKept: (piece) => this.#pieceKept(piece),
      },
    );
  }

  /** The index tells who comes, goes, or has more of the file than before. */
  #followHolders(engine: MultiSourceDownload, hashes: PieceHashes): () => void {
    const { context, link, others } = this.#options;
    let tried = context.clock.now();
    return link.follow(this.#job.name, (found) => {
      const holders = others(found);
      const present = new Set(holders.map((holder) => formatEndpoint(holder)));
      for (const id of this.#sources.keys()) {
        if (present.has(id)) continue;
        this.#sources.delete(id);
        engine.remove(id, 'it has the file no more');
      }
      const again = context.clock.now() - tried >= READD_MS;
      if (again) tried = context.clock.now();
      const fresh = holders.filter((holder) => again || !this.#sources.has(formatEndpoint(holder)));
      this.#use(rankHolders(fresh, context.random), engine, hashes);
    });
  }

  #use(holders: readonly HolderInfo[], engine: MultiSourceDownload, { root, layout }: PieceHashes): void {
    const { context, peer, ownPort } = this.#options;
    for (const holder of holders) {
      const same = isUnknown(holder.root) || root.equals(holder.root);
      if (!holder.extended || !same) continue;
      const at = { host: holder.host, port: holder.port };
      const expected = { root, layout };
      const source = new SwarmSource({ context, peer, port: ownPort(), at, name: this.#job.name, expected });
      this.#why.set(source.id, whyTaken(holder));
      if (!this.#sources.has(source.id)) this.#sources.set(source.id, source);
      engine.add(source);
    }
  }

  /** The hashes of the file, from the first holder that can tell them. */
  async #describe(holders: readonly HolderInfo[]): Promise<PieceHashes> {
    const { name, scope } = this.#job;
    const reasons: string[] = [];
    for (let from = 0; from < holders.length; from += ASK_AT_ONCE) {
      const asked = holders.slice(from, from + ASK_AT_ONCE).map((holder) => this.#hashesFrom(holder));
      try {
        return await Promise.any(asked);
      } catch (error) {
        scope.signal.throwIfAborted();
        for (const [at, reason] of (error as AggregateError).errors.entries())
          reasons.push(`${formatEndpoint(holders[from + at] as Endpoint)}: ${reasonOf(reason)}`);
      }
    }
    throw new StudioError(
      'NO_SOURCE',
      `Nobody who should have ${name} can be downloaded from. ${sentenceOf(...reasons)}`,
      'Try again when a peer that has it is up.',
    );
  }

  async #hashesFrom(holder: HolderInfo): Promise<PieceHashes> {
    const { context, peer, ownPort } = this.#options;
    const { name, scope } = this.#job;
    const at = { host: holder.host, port: holder.port };
    const source = new SwarmSource({ context, peer, port: ownPort(), at, name, expected: null });
    const open = await source.open(silentEvents, scope.signal);
    open.close();
    const file = source.file as PieceHashes;
    if (!isUnknown(holder.root) && !file.root.equals(holder.root))
      throw new Error('It has another file than it announced.');
    return file;
  }

  #pieceKept(piece: number): void {
    const file = this.partial();
    if (!this.#announced && file) this.#options.link.announce(file);
    this.#announced = true;
    for (const told of this.#pieceListeners) told(piece);
  }

  /** A finished file of our own folder is shared without being hashed again. */
  async #share(saved: string, hashes: PieceHashes): Promise<void> {
    const { library, link } = this.#options;
    const { name, folder, own, shared } = this.#job;
    if (own) library.adopt(saved, await folder.stat(saved), hashes);
    else if (shared) link.retract(name);
  }

  #progress(engine: MultiSourceDownload): PeerDownloadProgress {
    const { name, partial } = this.#job;
    const { phase, priority, bytes, size, sources, marks } = engine.view();
    const best = sources.reduce((a, b) => (b.bytesPerSecond > (a?.bytesPerSecond ?? -1) ? b : a), sources[0]);
    return {
      phase,
      priority,
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
}

const silentEvents = {
  data: () => {},
  rejected: () => {},
  choked: () => {},
  have: () => {},
  life: () => {},
  gone: () => {},
};
