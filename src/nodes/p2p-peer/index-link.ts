/** The connection to the index, in whichever dialect it speaks; kept up for as long as the peer runs. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { AnnouncedFile, HolderInfo, ListedFile } from '../../protocol/p2p-messages';
import type { NodeContext, Timer } from '../../runtime/context';
import { speaksFrames } from '../p2p/probe';
import { unreachable } from '../shared/error-text';
import { connectFramedIndex } from './framed-index';
import { connectSeedIndex } from './seed-index';

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5000;
/** An index that refuses us (a wrong password) is not asked more often than this. */
const REFUSED_RETRY_MS = 30_000;

/** An open connection to an index. */
export interface IndexConnection {
  readonly dialect: 'frames' | 'seed';
  /** Registers, with all files. */
  register(files: readonly AnnouncedFile[]): Promise<void>;
  unregister(): Promise<void>;
  announce(file: AnnouncedFile): void;
  retract(name: string): void;
  load(uploads: number, slots: number): void;
  list(): Promise<ListedFile[]>;
  find(name: string): Promise<HolderInfo[]>;
  /** Tells of later changes, where the index does that; returns how to stop. */
  follow(name: string, changed: (holders: HolderInfo[]) => void): () => void;
  readonly heldBack: readonly { name: string; reason: string }[];
  close(): void;
}

export interface IndexIdentity {
  peer: string;
  /** Where we serve. */
  port: number;
  user: string;
  password: string;
}

export interface IndexLinkOptions {
  context: NodeContext;
  index: Endpoint | null;
  identity: IndexIdentity;
  /** Announce the files as soon as there is a connection. */
  register: boolean;
  /** Only the seed's dialect. */
  strict: boolean;
  /** What is announced now. */
  files(): AnnouncedFile[];
  changed(): void;
}

interface Followed {
  name: string;
  changed: (holders: HolderInfo[]) => void;
  /** At the present connection. */
  stop: (() => void) | undefined;
}

export type IndexState = 'none' | 'connecting' | 'connected' | 'registered' | 'unreachable' | 'refused';

export class IndexLink {
  readonly #options: IndexLinkOptions;
  readonly #stopped = new AbortController();
  readonly #followed = new Set<Followed>();
  #connection: IndexConnection | null = null;
  #state: IndexState;
  #detail = '';
  #wantsRegistration: boolean;
  #failures = 0;
  #retry: Timer | null = null;
  #connecting: Promise<void> | null = null;

  constructor(options: IndexLinkOptions) {
    this.#options = options;
    this.#wantsRegistration = options.register;
    this.#state = options.index ? 'connecting' : 'none';
  }

  start(): void {
    void this.#connect();
  }

  stop(): void {
    this.#stopped.abort();
    this.#retry?.cancel();
    this.#connection?.close();
  }

  get state(): IndexState {
    return this.#state;
  }

  get detail(): string {
    return this.#detail;
  }

  get dialect(): 'frames' | 'seed' | null {
    return this.#connection?.dialect ?? null;
  }

  get heldBack(): readonly { name: string; reason: string }[] {
    return this.#connection?.heldBack ?? [];
  }

  /** @throws StudioError when the index cannot be reached or refuses us */
  async register(): Promise<void> {
    this.#wantsRegistration = true;
    const connection = await this.#connected();
    await connection.register(this.#options.files());
    this.#is('registered');
  }

  async unregister(): Promise<void> {
    this.#wantsRegistration = false;
    if (!this.#connection) return;
    await this.#connection.unregister();
    this.#is('connected');
  }

  announce(file: AnnouncedFile): void {
    if (this.#state === 'registered') this.#connection?.announce(file);
  }

  retract(name: string): void {
    if (this.#state === 'registered') this.#connection?.retract(name);
  }

  load(uploads: number, slots: number): void {
    this.#connection?.load(uploads, slots);
  }

  async list(): Promise<ListedFile[]> {
    return (await this.#connected()).list();
  }

  async find(name: string): Promise<HolderInfo[]> {
    return (await this.#connected()).find(name);
  }

  /** Tells of later changes of a file's holders, over reconnections too; returns how to stop. */
  follow(name: string, changed: (holders: HolderInfo[]) => void): () => void {
    const followed: Followed = { name, changed, stop: this.#connection?.follow(name, changed) };
    this.#followed.add(followed);
    return () => {
      followed.stop?.();
      this.#followed.delete(followed);
    };
  }

  async #connected(): Promise<IndexConnection> {
    if (!this.#options.index)
      throw new StudioError('NO_INDEX', 'This peer has no index.', 'Link it to a P2P index.');
    if (!this.#connection) await this.#connect();
    if (!this.#connection)
      throw new StudioError('INDEX_UNREACHABLE', this.#detail, 'Start the index, or correct its address.');
    return this.#connection;
  }

  #connect(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    this.#connecting ??= this.#tryOnce().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #tryOnce(): Promise<void> {
    const { index, context, strict, identity, files } = this.#options;
    if (!index || this.#stopped.signal.aborted || this.#connection) return;
    const { signal } = this.#stopped;
    try {
      const frames = !strict && (await speaksFrames(context, index, signal));
      const connect = frames ? connectFramedIndex : connectSeedIndex;
      let connection: IndexConnection | null = null;
      let lostAtOnce: Error | null = null;
      const lost = (error: Error): void => {
        // An index may greet us and end the connection in one segment, before `connect` has returned.
        if (connection) this.#lost(connection, error);
        else lostAtOnce = error;
      };
      connection = await connect(context, index, identity, lost, signal);
      if (lostAtOnce) throw lostAtOnce;
      if (signal.aborted) return connection.close();
      this.#connection = connection;
      this.#failures = 0;
      this.#is('connected');
      for (const followed of this.#followed)
        followed.stop = connection.follow(followed.name, followed.changed);
      if (this.#wantsRegistration) {
        await connection.register(files());
        this.#is('registered');
      }
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  #lost(connection: IndexConnection, error: Error): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#failed(error);
  }

  #failed(error: unknown): void {
    const { index, context } = this.#options;
    if (this.#stopped.signal.aborted || !index) return;
    const refused = error instanceof StudioError;
    const detail = refused ? error.message : unreachable(index, error);
    if (detail !== this.#detail) {
      const text = refused ? `The index refuses this peer: ${detail}` : detail;
      context.telemetry.event({ type: 'index-lost', text, subject: formatEndpoint(index), level: 'warning' });
    }
    this.#connection?.close();
    this.#connection = null;
    this.#is(refused ? 'refused' : 'unreachable', detail);
    const wait = refused
      ? REFUSED_RETRY_MS
      : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#retry?.cancel();
    this.#retry = context.clock.after(wait, () => void this.#connect());
  }

  #is(state: IndexState, detail = ''): void {
    this.#state = state;
    this.#detail = detail;
    this.#options.changed();
  }
}
