import { MAX_BODY } from '../../protocol/ring-frames';
import type { ReadableFile } from '../../runtime/context';
import type { Answer } from '../shared/ring/peer-link';
import type { Incoming } from './incoming';
import type { ItemVersion } from './item-version';
import type { Replication } from './replication';
import type { ItemStore } from './store';

/**
 * What a client of ours asks over a link, so that files of any size and any bytes can be put and got:
 * `put-begin`, `put-piece` …, `put-end {name}` → status; `get {name}` → item, `get-piece {offset}` …, and `get-damaged {name}` when the hash was wrong.
 */
export class ClientRequests {
  constructor(
    readonly store: ItemStore,
    readonly replication: Replication,
    readonly put: (incoming: Incoming, name: string) => Promise<string>,
    readonly checkContent: (name: string) => Promise<void>,
  ) {}

  session(): ClientSession {
    return new ClientSession(this);
  }
}

const OPERATIONS = new Set(['put-begin', 'put-piece', 'put-end', 'get', 'get-piece', 'get-damaged']);

/**
 * One client's connection: at most one upload and one download at a time. What is asked is done in order, for a file
 * that is opened beside another one, or after the connection has ended, would never be closed.
 */
class ClientSession {
  #turn: Promise<unknown> = Promise.resolve();
  #upload: Incoming | undefined;
  #download: { item: ItemVersion; file: ReadableFile } | undefined;

  constructor(readonly ring: ClientRequests) {}

  knows(op: string): boolean {
    return OPERATIONS.has(op);
  }

  handle(op: string, header: Record<string, unknown>, body: Uint8Array): Promise<Answer> {
    // Copied: the frame's bytes are lent, and its turn may come later.
    const own = Uint8Array.from(body);
    return this.#inTurn(() => this.#do(op, header, own));
  }

  /** Drops what is half done. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#drop());
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #do(op: string, header: Record<string, unknown>, body: Uint8Array): Promise<Answer> {
    switch (op) {
      case 'put-begin':
        await this.#drop();
        this.#upload = await this.ring.store.receive();
        return { header: {} };
      case 'put-piece':
        await this.#uploading.write(body);
        return { header: {} };
      case 'put-end': {
        const incoming = this.#uploading;
        this.#upload = undefined;
        return { header: { status: await this.ring.put(incoming, nameOf(header)) } };
      }
      case 'get':
        return this.#get(nameOf(header));
      case 'get-damaged':
        await this.ring.checkContent(nameOf(header));
        return { header: {} };
      default:
        return this.#piece(Number(header.offset));
    }
  }

  async #drop(): Promise<void> {
    const upload = this.#upload;
    const download = this.#download;
    this.#upload = this.#download = undefined;
    await upload?.discard();
    await download?.file.close();
  }

  get #uploading(): Incoming {
    if (!this.#upload) throw new Error('nothing was begun');
    return this.#upload;
  }

  async #get(name: string): Promise<Answer> {
    await this.#download?.file.close();
    this.#download = undefined;
    const item = await this.ring.replication.find(name);
    if (!item) return { header: {} };
    this.#download = { item, file: await this.ring.store.open(name) };
    return { header: { item } };
  }

  #piece(offset: number): Answer {
    if (!this.#download) throw new Error('nothing was asked for');
    const { item, file } = this.#download;
    const body = async (): Promise<Uint8Array> => {
      const piece = Buffer.allocUnsafe(Math.min(MAX_BODY, Math.max(0, item.size - offset)));
      return piece.subarray(0, await file.read(piece, offset));
    };
    return { header: {}, body };
  }
}

function nameOf({ name }: Record<string, unknown>): string {
  if (typeof name !== 'string' || name === '' || name.length > 1024) throw new Error('the name is missing');
  return name;
}
