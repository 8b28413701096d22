/** Our side of the seed's dialect with an index, which may be anybody's program. */
import type { Endpoint } from '../../contract/endpoint';
import type { AnnouncedFile, HolderInfo, ListedFile } from '../../protocol/p2p-messages';
import {
  announceToForeignIndex,
  encodeSeedName,
  parseSeedFileList,
  parseSeedHolders,
  SEND_FILES,
} from '../../protocol/p2p-seed';
import type { Connection, NodeContext, Timer } from '../../runtime/context';
import type { IndexConnection, IndexIdentity } from './index-link';

const ANSWER_MS = 3000;
/** A list has no mark for its end: it is complete when nothing more came for so long. */
const QUIET_MS = 120;
/** Between what we send without an answer and the next command, so that they are two receives for the index. */
const GAP_MS = 100;
const MAX_ANSWER = 16 * 1024 * 1024;
const NO_HASH = new Uint8Array(32);

export async function connectSeedIndex(
  context: NodeContext,
  index: Endpoint,
  identity: IndexIdentity,
  lost: (error: Error) => void,
  signal: AbortSignal,
): Promise<IndexConnection> {
  const connection = await context.net.connect(index, { signal });
  return new SeedIndex(context, connection, identity, lost);
}

interface Expected {
  /** Whether `text` is certainly all of the answer; otherwise silence ends it. */
  finished(text: string): boolean;
  resolve(text: string): void;
  reject(error: Error): void;
}

class SeedIndex implements IndexConnection {
  readonly dialect = 'seed';
  readonly #context: NodeContext;
  readonly #connection: Connection;
  readonly #identity: IndexIdentity;
  readonly #names = new Set<string>();
  /** One command at a time: answers carry nothing that says to which command they belong. */
  #turn: Promise<unknown> = Promise.resolve();
  #expected: Expected | null = null;
  #received = '';
  #quiet: Timer | null = null;
  #registered = false;
  /** Registration waits for the first file: an empty list would swallow the next command at a foreign index. */
  #wanted = false;
  #updating = false;
  #closed = false;
  heldBack: { name: string; reason: string }[] = [];

  constructor(
    context: NodeContext,
    connection: Connection,
    identity: IndexIdentity,
    lost: (error: Error) => void,
  ) {
    this.#context = context;
    this.#connection = connection;
    this.#identity = identity;
    const decoder = new TextDecoder();
    connection.handle({
      data: (bytes) => this.#receive(decoder.decode(bytes, { stream: true })),
      close: (error) => {
        const reason = error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' });
        this.#closed = true;
        this.#quiet?.cancel();
        this.#expected?.reject(reason);
        lost(reason);
      },
    });
  }

  async register(files: readonly AnnouncedFile[]): Promise<void> {
    this.#wanted = true;
    this.#names.clear();
    for (const { name, complete } of files) if (complete) this.#names.add(name);
    await this.#sendNames();
  }

  async unregister(): Promise<void> {
    this.#wanted = false;
    if (!this.#registered) return;
    this.#registered = false;
    await this.#inTurn(async () => {
      this.#send('unregister');
      await this.#context.clock.sleep(GAP_MS);
    });
  }

  announce({ name, complete }: AnnouncedFile): void {
    if (!complete || this.#names.has(name)) return;
    this.#names.add(name);
    this.#update();
  }

  retract(name: string): void {
    if (this.#names.delete(name)) this.#update();
  }

  load(): void {}

  async list(): Promise<ListedFile[]> {
    const text = await this.#ask('get_files_list', () => false);
    return (parseSeedFileList(text) ?? []).map((name) => ({ name, size: 0, holders: 1 }));
  }

  async find(name: string): Promise<HolderInfo[]> {
    const text = await this.#ask(
      `download ${encodeSeedName(name)}`,
      (answer) => parseSeedHolders(answer)?.length === 0,
    );
    return (parseSeedHolders(text) ?? []).map(({ host, port }) => ({
      host,
      port,
      peer: '',
      extended: false,
      complete: true,
      size: 0,
      root: NO_HASH,
      uploads: 0,
      slots: 0,
    }));
  }

  /** The seed tells nothing by itself. */
  follow(): () => void {
    return () => {};
  }

  close(): void {
    this.#connection.destroy();
  }

  /** A burst of changes becomes one update. */
  #update(): void {
    if (this.#updating || !this.#wanted) return;
    this.#updating = true;
    this.#context.clock.after(GAP_MS, () => {
      this.#updating = false;
      if (this.#wanted && !this.#closed)
        this.#sendNames().catch((error) => this.#connection.destroy(error as Error));
    });
  }

  async #sendNames(): Promise<void> {
    if (this.#names.size === 0) {
      this.heldBack = [];
      if (this.#registered) await this.unregister();
      this.#wanted = true;
      return;
    }
    await this.#inTurn(async () => {
      const command = this.#registered ? 'update' : `register ${this.#identity.port}`;
      const answer = await this.#exchange(command, (text) => text.trim() === SEND_FILES);
      if (answer.trim() !== SEND_FILES)
        throw new Error(`The index answered "${answer.slice(0, 100)}" to ${command}.`);
      this.#registered = true;
      const { text, heldBack } = announceToForeignIndex([...this.#names].sort());
      this.heldBack = heldBack;
      this.#send(text);
      await this.#context.clock.sleep(GAP_MS);
    });
  }

  #ask(command: string, finished: Expected['finished']): Promise<string> {
    return this.#inTurn(() => this.#exchange(command, finished));
  }

  #inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #exchange(command: string, finished: Expected['finished']): Promise<string> {
    if (this.#closed)
      throw Object.assign(new Error('The connection to the index is closed.'), { code: 'ECLOSED' });
    const late = this.#context.clock.after(ANSWER_MS, () => {
      this.#expected?.reject(Object.assign(new Error('The index does not answer.'), { code: 'ETIMEDOUT' }));
    });
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#received = '';
        this.#expected = { finished, resolve, reject };
        this.#send(command);
      });
    } finally {
      this.#expected = null;
      this.#quiet?.cancel();
      late.cancel();
    }
  }

  #receive(text: string): void {
    this.#context.telemetry.trace('in', 'tcp', this.#connection.remote, () => text);
    if (!this.#expected) return;
    this.#received += text;
    if (this.#received.length > MAX_ANSWER) return this.#connection.destroy();
    this.#quiet?.cancel();
    if (this.#expected.finished(this.#received)) return this.#expected.resolve(this.#received);
    this.#quiet = this.#context.clock.after(QUIET_MS, () => this.#expected?.resolve(this.#received));
  }

  #send(text: string): void {
    this.#context.telemetry.trace('out', 'tcp', this.#connection.remote, () => text);
    this.#connection.write(text);
  }
}
