/** Carries what the core's parts have to say to every panel that is open, in batches. */
import type { EventBatch, Notice, StudioEvent } from '../../contract/events';
import type { Watch } from '../../contract/node-port';
import { Outbox } from './outbox';

/** Longest time between a change and its batch, for a panel that is looked at and for one that is hidden. */
const BATCH_MS = 50;
const HIDDEN_BATCH_MS = 1000;
/** Notices kept for the first panel, while none is open: what had to be recovered at the start. */
const MAX_EARLY_NOTICES = 20;

export interface SessionOptions {
  onBatch(batch: EventBatch): void;
  /** False while the panel cannot take more: what waits is merged until it can. Default: always true. */
  canTake?(): boolean;
  /** True for a session that no person looks at: notices from before wait for one that somebody does. */
  background?: boolean;
}

export interface WatchInput {
  visible: boolean;
  logs: readonly string[];
  messages: readonly string[];
}

/** One panel: what it looks at, and what waits for it. */
export class Session {
  /** Number of the last batch. */
  seq = 0;
  visible = true;
  logs: ReadonlySet<string> = new Set();
  messages: ReadonlySet<string> = new Set();
  /** From before the panel was there; sent after its first snapshot, since what comes before one is passed over. */
  early: StudioEvent[] = [];
  readonly closed = new AbortController();
  readonly #outbox = new Outbox();
  #timer: NodeJS.Timeout | undefined;
  #lastFlush = 0;

  constructor(
    private readonly hub: EventHub,
    private readonly options: SessionOptions,
  ) {}

  /** @internal Called by the hub. */
  add(event: StudioEvent): void {
    const wanted = this.#wanted(event);
    if (!wanted) return;
    this.#outbox.add(wanted);
    this.#schedule();
  }

  watch(input: WatchInput): void {
    this.visible = input.visible;
    this.logs = new Set(input.logs);
    this.messages = new Set(input.messages);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#outbox.empty) this.#schedule();
    this.hub.watchChanged();
  }

  /** Called when a snapshot is taken for this panel: what is in it need not be sent again. */
  snapshotTaken(): number {
    this.#outbox.forgetState();
    for (const event of this.early.splice(0)) this.add(event);
    return this.seq;
  }

  /** Makes the panel ask for a new snapshot, by leaving out a number. */
  skip(): void {
    this.seq += 1;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.closed.abort();
    this.hub.remove(this);
  }

  #wanted(event: StudioEvent): StudioEvent | undefined {
    switch (event.type) {
      case 'flows':
        return this.visible ? event : undefined;
      case 'logs': {
        const lines = this.visible ? event.lines.filter((line) => this.logs.has(line.node)) : [];
        return lines.length > 0 ? { type: 'logs', lines } : undefined;
      }
      case 'messages': {
        const messages = this.visible ? event.messages.filter((m) => this.messages.has(m.node)) : [];
        return messages.length > 0 ? { type: 'messages', messages } : undefined;
      }
      default:
        return event;
    }
  }

  /** The first change after a quiet time goes out almost at once, the following ones together. */
  #schedule(): void {
    if (this.#timer !== undefined) return;
    const interval = this.visible ? BATCH_MS : HIDDEN_BATCH_MS;
    const wait = Math.max(5, interval - (performance.now() - this.#lastFlush));
    this.#timer = setTimeout(() => this.#flush(), wait);
    this.#timer.unref();
  }

  #flush(): void {
    this.#timer = undefined;
    this.#lastFlush = performance.now();
    if (this.#outbox.empty) return;
    if (this.options.canTake?.() === false) return this.#schedule();
    if (this.#outbox.lost) this.skip();
    this.seq += 1;
    this.options.onBatch({ seq: this.seq, events: this.#outbox.take() });
  }
}

export class EventHub {
  readonly #sessions = new Set<Session>();
  readonly #onWatch: () => void;
  #noticeId = 0;
  #early: StudioEvent[] = [];

  /** `onWatch` is called when what the panels look at may have changed. */
  constructor(onWatch: () => void) {
    this.#onWatch = onWatch;
  }

  open(options: SessionOptions): Session {
    const session = new Session(this, options);
    this.#sessions.add(session);
    if (!options.background) session.early = this.#early.splice(0);
    this.#onWatch();
    return session;
  }

  remove(session: Session): void {
    if (this.#sessions.delete(session)) this.#onWatch();
  }

  watchChanged(): void {
    this.#onWatch();
  }

  push(event: StudioEvent): void {
    for (const session of this.#sessions) session.add(event);
    if (this.#sessions.size === 0 && event.type === 'notice')
      this.#early = [...this.#early, event].slice(-MAX_EARLY_NOTICES);
  }

  /** The outcome of something, as a toast in every panel. */
  notice(level: Notice['level'], title: string, text?: string): void {
    this.#noticeId += 1;
    this.push({ type: 'notice', notice: { id: this.#noticeId, level, title, ...(text ? { text } : {}) } });
  }

  /** Everything is different now (another workspace): all panels fetch a new snapshot. */
  restart(): void {
    for (const session of this.#sessions) session.skip();
  }

  /** Whether anybody looks. */
  get visible(): boolean {
    return [...this.#sessions].some((session) => session.visible);
  }

  /** What any panel wants of this node. */
  watchOf(node: string): Watch {
    const messages = [...this.#sessions].some((session) => session.visible && session.messages.has(node));
    return { visible: this.visible, messages };
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}
