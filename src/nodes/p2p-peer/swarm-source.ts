/** A peer of our own kind as a source of the download engine. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { FrameError } from '../../protocol/p2p-binary';
import { MAX_PIECES, type P2pMessage } from '../../protocol/p2p-messages';
import { isSoundLayout, layoutOf, type PieceLayout } from '../../protocol/pieces/layout';
import { PieceMap } from '../../protocol/pieces/piece-map';
import type { NodeContext } from '../../runtime/context';
import { HASH_BYTES, type PieceHashes, rootHash } from '../engine/piece-hashes';
import type { OpenSource, RangeRequest, Source, SourceEvents } from '../engine/source';
import { FramedConnection } from '../p2p/framed-connection';
import { newNonce, sameBytes } from '../p2p/login';

/** Large reads halve what receiving costs. */
const RECEIVE_BUFFER = 1024 * 1024;
/** A peer may have to hash the file before it can answer; it says nothing meanwhile. */
const ANSWER_MS = 60_000;

const MAX_OWED = 4096;

export interface SwarmSourceOptions {
  context: NodeContext;
  /** Our own id. */
  peer: string;
  /** Where we serve. */
  port: number;
  at: Endpoint;
  name: string;
  /** The file it must be; null: whatever it has, whose hashes are then fetched: see `file`. */
  expected: { root: Uint8Array; layout: PieceLayout } | null;
}

export class SwarmSource implements Source {
  readonly id: string;
  readonly address: string;
  readonly #options: SwarmSourceOptions;
  /** After `open` without an expected file: what the peer has. */
  file: PieceHashes | null = null;
  /** The peer's own id, once it has told. */
  peer = '';

  constructor(options: SwarmSourceOptions) {
    this.#options = options;
    this.address = formatEndpoint(options.at);
    this.id = this.address;
  }

  async open(events: SourceEvents, signal: AbortSignal): Promise<OpenSource> {
    const { context, at } = this.#options;
    const startedAt = context.clock.now();
    const connection = await context.net.connect(at, { signal, receiveBufferSize: RECEIVE_BUFFER });
    const roundTripMs = Math.max(1, context.clock.now() - startedAt);
    const session = new SwarmSession(this.#options, events, roundTripMs);
    const framed = new FramedConnection(
      connection,
      {
        message: (message) => session.receive(message),
        data: (id, bytes) => session.data(id, bytes),
        closed: (error) => session.closed(error),
      },
      context.telemetry,
    );
    const abort = (): void => framed.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    const timer = context.clock.after(ANSWER_MS, () => framed.destroy(new Error('It does not answer.')));
    try {
      await session.begin(framed);
    } catch (error) {
      framed.destroy();
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', abort);
    }
    this.file = session.file;
    this.peer = session.peer;
    return session;
  }
}

class SwarmSession implements OpenSource {
  available: PieceMap | null = null;
  choked = true;
  peer = '';
  file: PieceHashes | null = null;
  readonly roundTripMs: number;
  readonly #options: SwarmSourceOptions;
  readonly #events: SourceEvents;
  #framed!: FramedConnection;
  #layout: PieceLayout | null = null;
  #root: Uint8Array | null = null;
  #hashes: Buffer | null = null;
  #hashesReceived = 0;
  /**
   * Bytes still to come per request: anything beyond them was not asked for. What was cancelled, or forgotten in a
   * choke, stays: its answer may have been on its way.
   */
  readonly #owed = new Map<number, number>();
  #ready: { resolve(): void; reject(error: Error): void } | null = null;

  constructor(options: SwarmSourceOptions, events: SourceEvents, roundTripMs: number) {
    this.#options = options;
    this.#events = events;
    this.roundTripMs = roundTripMs;
  }

  /** Resolves when it is known what the peer has. */
  begin(framed: FramedConnection): Promise<void> {
    this.#framed = framed;
    const { peer, port, name, expected } = this.#options;
    const ready = new Promise<void>((resolve, reject) => {
      this.#ready = { resolve, reject };
    });
    framed.send({ kind: 'hello', peer, port, user: '', nonce: newNonce() });
    framed.send({ kind: 'ask', name, hashes: expected === null });
    return ready;
  }

  request(requests: readonly RangeRequest[]): void {
    for (const { id, length } of requests) {
      this.#owed.set(id, length);
      if (this.#owed.size > MAX_OWED) this.#owed.delete(this.#owed.keys().next().value as number);
    }
    this.#framed.send(
      ...requests.map(({ id, offset, length }) => ({ kind: 'request' as const, id, offset, length })),
    );
  }

  cancel(requestId: number): void {
    // The answer to the ping shows whether the peer still lives, though it may have nothing to send.
    this.#framed.send({ kind: 'cancel', id: requestId }, { kind: 'ping' });
  }

  pause(): void {
    this.#framed.connection.pause();
  }

  resume(): void {
    this.#framed.connection.resume();
  }

  close(): void {
    this.#framed.destroy();
  }

  data(id: number, bytes: Uint8Array): void {
    const owed = this.#owed.get(id);
    if (owed === undefined || bytes.length > owed) throw new FrameError('It sent what nobody asked for.');
    if (owed === bytes.length) this.#owed.delete(id);
    else this.#owed.set(id, owed - bytes.length);
    this.#events.data(id, bytes);
  }

  receive(message: P2pMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.peer = message.peer;
        return;
      case 'ping':
        return this.#events.life();
      case 'fileInfo':
        return this.#fileInfo(message.size, message.pieceSize, message.root);
      case 'hashes':
        return this.#takeHashes(message.from, message.hashes);
      case 'haveAll':
        return this.#has(null);
      case 'haveMap':
        return this.#has(PieceMap.fromBytes(message.map, this.#layout?.count ?? -1) ?? 'wrong');
      case 'have':
        this.#events.have(message.piece);
        // In one segment with the map, before whoever opened this source listens: the map has to know it.
        this.available?.add(message.piece);
        return;
      case 'choke':
      case 'unchoke':
        return this.#choke(message.kind === 'choke');
      case 'reject':
        this.#owed.delete(message.id);
        return this.#events.rejected(message.id);
      case 'refuse':
        return this.#framed.destroy(Object.assign(new Error(message.text), { final: true }));
      default:
        throw new FrameError(`A peer that uploads does not send "${message.kind}".`);
    }
  }

  closed(error?: Error): void {
    const reason = error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' });
    if (this.#ready) this.#ready.reject(reason);
    else this.#events.gone(reason);
    this.#ready = null;
  }

  #fileInfo(size: number, pieceSize: number, root: Uint8Array): void {
    if (this.#layout) throw new FrameError('It described its file twice.');
    const layout = layoutOf(size, pieceSize);
    if (!isSoundLayout(layout, MAX_PIECES)) throw new FrameError('It cuts its file in an unreasonable way.');
    const { expected } = this.#options;
    if (expected && !(sameBytes(root, expected.root) && layout.size === expected.layout.size)) {
      return this.#framed.destroy(
        Object.assign(new Error('It has another file of that name.'), { final: true }),
      );
    }
    this.#layout = layout;
    this.#root = root;
    if (!expected) this.#hashes = Buffer.alloc(layout.count * HASH_BYTES);
  }

  #takeHashes(from: number, hashes: Uint8Array): void {
    if (!this.#hashes || from * HASH_BYTES !== this.#hashesReceived || hashes.length % HASH_BYTES !== 0)
      throw new FrameError('Its hashes are out of order.');
    if (this.#hashesReceived + hashes.length > this.#hashes.length)
      throw new FrameError('It sent too many hashes.');
    this.#hashes.set(hashes, this.#hashesReceived);
    this.#hashesReceived += hashes.length;
  }

  #has(available: PieceMap | null | 'wrong'): void {
    const layout = this.#layout;
    if (!layout || !this.#ready || available === 'wrong') throw new FrameError('Its piece map is wrong.');
    if (this.#hashes) {
      const root = rootHash(layout, this.#hashes);
      if (this.#hashesReceived !== this.#hashes.length || !sameBytes(root, this.#root as Uint8Array))
        throw new FrameError('Its hashes do not fit its root hash.');
      this.file = { layout, hashes: this.#hashes, root };
    }
    this.available = available;
    this.#ready.resolve();
    this.#ready = null;
  }

  #choke(choked: boolean): void {
    this.choked = choked;
    if (!this.#ready) this.#events.choked(choked);
  }
}
