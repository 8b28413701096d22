/**
 * Keeps the store in step with the core: a snapshot first, then batches in order, applied once per frame.
 * A batch that is missing, or a connection that was away, leads to a new snapshot.
 */
import type { StudioTransport } from '../contract/calls';
import type { EventBatch } from '../contract/events';
import type { Store } from './store';
import { reduce, type StudioAction, type StudioState } from './studio-store';

export interface SyncEnvironment {
  now(): number;
  /** Runs `apply` soon, once: at the next frame, or a little later where there are no frames. */
  schedule(apply: () => void): void;
  /** Calls after `ms`, for the second try of a snapshot. */
  later(ms: number, run: () => void): void;
}

export class StudioSync {
  #pending: EventBatch[] = [];
  #scheduled = false;
  #loading = false;
  #stopped = false;
  /** The connection was away or a batch is missing: what is in the store may be out of date. */
  #stale = true;
  readonly #endings: (() => void)[] = [];

  constructor(
    private readonly transport: StudioTransport,
    private readonly store: Store<StudioState | null>,
    private readonly environment: SyncEnvironment,
  ) {}

  start(): void {
    this.#endings.push(
      this.transport.subscribe((batch) => this.#receive(batch)),
      this.transport.onConnection((state) => {
        if (state === 'connected') void this.#load();
        else this.#lose();
      }),
    );
    void this.#load();
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#endings) end();
  }

  dispatch(action: StudioAction): void {
    this.store.set(reduce(this.store.get(), action));
  }

  /** The next session numbers its batches anew: what is left of this one would look like a gap for ever. */
  #lose(): void {
    this.#stale = true;
    this.#pending = [];
  }

  #receive(batch: EventBatch): void {
    this.#pending.push(batch);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.environment.schedule(() => {
      this.#scheduled = false;
      this.#apply();
    });
  }

  #apply(): void {
    const state = this.store.get();
    if (this.#stopped || this.#loading || !state) return;
    const fresh = this.#pending.filter((batch) => batch.seq > state.seq);
    const gap = fresh.some((batch, i) => batch.seq !== state.seq + 1 + i);
    if (gap) {
      this.#stale = true;
      void this.#load();
      return;
    }
    this.#pending = [];
    if (fresh.length > 0) this.dispatch({ type: 'batches', batches: fresh, now: this.environment.now() });
  }

  async #load(): Promise<void> {
    if (this.#loading || this.#stopped || !this.#stale) return;
    this.#loading = true;
    this.#stale = false;
    const snapshot = await this.transport.call('studio.snapshot', {}).catch(() => null);
    this.#loading = false;
    if (!snapshot) {
      this.#stale = true;
      // A transport that is away says 'connected' when it is back; this covers a core that was too busy.
      this.environment.later(1000, () => void this.#load());
      return;
    }
    this.#pending = this.#pending.filter((batch) => batch.seq > snapshot.seq);
    this.dispatch({ type: 'snapshot', snapshot, now: this.environment.now() });
    if (this.#stale) void this.#load();
    else this.#apply();
  }
}
