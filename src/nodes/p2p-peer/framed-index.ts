/** Our side of the framed dialect with an index. */
import type { Endpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import {
  type AnnouncedFile,
  type HolderInfo,
  inFrames,
  type ListedFile,
  MAX_FILES_PER_FRAME,
  type MessageOf,
  type P2pMessage,
} from '../../protocol/p2p-messages';
import type { NodeContext } from '../../runtime/context';
import { FramedConnection } from '../p2p/framed-connection';
import { newNonce, prove, sameBytes } from '../p2p/login';
import type { IndexConnection, IndexIdentity } from './index-link';

/** Says so often that we live; the index gives us up after 10 s of silence. */
const LOAD_EVERY_MS = 2000;
const ANSWER_MS = 10_000;
/** Nothing from the index for so long, although it answers pings: it hangs. */
const SILENCE_MS = 10_000;

const refusalHints: Partial<Record<MessageOf<'refuse'>['code'], string>> = {
  LOGIN_REQUIRED: 'Give this peer a user name and a password that the index knows.',
  LOGIN_FAILED: 'Correct the user name or the password.',
  LOCKED: 'Wait, then correct the password.',
};

interface Waiting<Value> {
  resolve(value: Value): void;
  reject(error: Error): void;
}

/**
 * Connects and logs in.
 * @param lost called once when the connection ends after that
 * @throws StudioError with the index's reason when it refuses us
 */
export async function connectFramedIndex(
  context: NodeContext,
  index: Endpoint,
  identity: IndexIdentity,
  lost: (error: Error) => void,
  signal: AbortSignal,
): Promise<IndexConnection> {
  const connection = await context.net.connect(index, { signal });
  const link = new FramedIndex(context, identity, lost);
  const framed = new FramedConnection(
    connection,
    { message: (message) => link.receive(message), closed: (error) => link.closed(error) },
    context.telemetry,
  );
  await link.login(framed);
  connection.setIdle(SILENCE_MS, () => framed.destroy(new Error('The index does not answer any more.')));
  return link;
}

class FramedIndex implements IndexConnection {
  readonly dialect = 'frames';
  readonly heldBack = [];
  readonly #context: NodeContext;
  readonly #identity: IndexIdentity;
  readonly #lost: (error: Error) => void;
  readonly #nonce = newNonce();
  readonly #finding = new Map<string, Waiting<HolderInfo[]>[]>();
  readonly #followers = new Map<string, Set<(holders: HolderInfo[]) => void>>();
  readonly #closed = new AbortController();
  #framed!: FramedConnection;
  #loggingIn: Waiting<void> | null = null;
  #expectedSignature: Uint8Array | null = null;
  #listing: { rows: ListedFile[]; waiting: Waiting<ListedFile[]>[] } | null = null;
  #refusal: StudioError | null = null;
  #load = { uploads: 0, slots: 0 };

  constructor(context: NodeContext, identity: IndexIdentity, lost: (error: Error) => void) {
    this.#context = context;
    this.#identity = identity;
    this.#lost = lost;
  }

  async login(framed: FramedConnection): Promise<void> {
    this.#framed = framed;
    const { peer, port, user } = this.#identity;
    const welcome = new Promise<void>((resolve, reject) => {
      this.#loggingIn = { resolve, reject };
    });
    framed.send({ kind: 'hello', peer, port, user, nonce: this.#nonce });
    await this.#inTime(welcome);
    if (this.#closed.signal.aborted) return;
    const timer = this.#context.clock.every(LOAD_EVERY_MS, () =>
      this.#framed.send({ kind: 'load', ...this.#load }),
    );
    const pinger = this.#context.clock.every(LOAD_EVERY_MS, () => this.#framed.send({ kind: 'ping' }));
    this.#closed.signal.addEventListener('abort', () => {
      timer.cancel();
      pinger.cancel();
    });
  }

  async register(files: readonly AnnouncedFile[]): Promise<void> {
    let reset = true;
    for (const { part } of inFrames(files, MAX_FILES_PER_FRAME)) {
      this.#framed.send({ kind: 'announce', reset, files: part });
      reset = false;
    }
  }

  async unregister(): Promise<void> {
    this.#framed.send({ kind: 'unregister' });
  }

  announce(file: AnnouncedFile): void {
    this.#framed.send({ kind: 'announce', reset: false, files: [file] });
  }

  retract(name: string): void {
    this.#framed.send({ kind: 'retract', names: [name] });
  }

  load(uploads: number, slots: number): void {
    if (uploads === this.#load.uploads && slots === this.#load.slots) return;
    this.#load = { uploads, slots };
    this.#framed.send({ kind: 'load', uploads, slots });
  }

  list(): Promise<ListedFile[]> {
    const answer = new Promise<ListedFile[]>((resolve, reject) => {
      if (!this.#listing) this.#framed.send({ kind: 'listFiles' });
      this.#listing ??= { rows: [], waiting: [] };
      this.#listing.waiting.push({ resolve, reject });
    });
    return this.#inTime(answer);
  }

  find(name: string): Promise<HolderInfo[]> {
    const answer = new Promise<HolderInfo[]>((resolve, reject) => {
      const waiting = this.#finding.get(name) ?? [];
      waiting.push({ resolve, reject });
      this.#finding.set(name, waiting);
      this.#framed.send({ kind: 'find', name, follow: this.#followers.has(name) });
    });
    return this.#inTime(answer);
  }

  follow(name: string, changed: (holders: HolderInfo[]) => void): () => void {
    const listeners = this.#followers.get(name) ?? new Set();
    listeners.add(changed);
    this.#followers.set(name, listeners);
    this.#framed.send({ kind: 'find', name, follow: true });
    return () => {
      listeners.delete(changed);
      if (listeners.size > 0) return;
      this.#followers.delete(name);
      this.#framed.send({ kind: 'unfollow', name });
    };
  }

  close(): void {
    this.#framed.destroy();
  }

  receive(message: P2pMessage): void {
    switch (message.kind) {
      case 'challenge':
        return void this.#prove(message).catch((error) => this.#framed.destroy(error as Error));
      case 'welcome':
        return this.#welcome(message.signature);
      case 'refuse':
        this.#refusal = new StudioError(message.code, message.text, refusalHints[message.code]);
        return this.#framed.destroy(this.#refusal);
      case 'holders':
        return this.#holders(message);
      case 'fileList':
        return this.#fileList(message);
      case 'ping':
        return;
      default:
        this.#framed.refuse('PROTOCOL', `A peer does not expect "${message.kind}" from an index.`);
    }
  }

  closed(error?: Error): void {
    const reason =
      this.#refusal ?? error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' });
    this.#closed.abort(reason);
    const loggingIn = this.#loggingIn;
    this.#loggingIn = null;
    for (const waiting of [...this.#finding.values()].flat()) waiting.reject(reason);
    for (const waiting of this.#listing?.waiting ?? []) waiting.reject(reason);
    if (loggingIn) loggingIn.reject(reason);
    else this.#lost(reason);
  }

  async #prove(challenge: MessageOf<'challenge'>): Promise<void> {
    const { user, password } = this.#identity;
    const { proof, expectedSignature } = await prove(user, password, this.#nonce, challenge);
    this.#expectedSignature = expectedSignature;
    this.#framed.send({ kind: 'proof', proof });
  }

  #welcome(signature: Uint8Array): void {
    const expected = this.#expectedSignature;
    // One that asks for no proof has none to give either: whoever has a password is to know whom it tells its files.
    const proved = expected ? sameBytes(signature, expected) : this.#identity.user === '';
    if (!proved) {
      this.#refusal = new StudioError(
        'FALSE_INDEX',
        'The index could not prove that it knows this account: it may be an impostor.',
      );
      return this.#framed.destroy(this.#refusal);
    }
    this.#loggingIn?.resolve();
    this.#loggingIn = null;
  }

  #holders({ name, holders }: MessageOf<'holders'>): void {
    for (const { resolve } of this.#finding.get(name) ?? []) resolve(holders);
    this.#finding.delete(name);
    for (const changed of this.#followers.get(name) ?? []) changed(holders);
  }

  #fileList({ last, files }: MessageOf<'fileList'>): void {
    const listing = this.#listing;
    if (!listing) return;
    for (const file of files) listing.rows.push(file);
    if (!last) return;
    this.#listing = null;
    for (const { resolve } of listing.waiting) resolve(listing.rows);
  }

  async #inTime<Value>(answer: Promise<Value>): Promise<Value> {
    const waiting = new AbortController();
    const late = this.#context.clock.sleep(ANSWER_MS, waiting.signal).then(() => {
      const error = Object.assign(new Error('The index does not answer.'), { code: 'ETIMEDOUT' });
      this.#framed.destroy(error);
      throw error;
    });
    late.catch(() => {});
    try {
      return await Promise.race([answer, late]);
    } finally {
      waiting.abort();
    }
  }
}
