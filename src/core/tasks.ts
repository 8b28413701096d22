/** Long work with progress, an end, and a way to cancel it. */
import { type ErrorShape, StudioError, toErrorShape } from '../contract/errors';
import type { TaskView } from '../contract/events';
import type { EventHub } from './events/event-hub';
import { RateMeter } from './rate-meter';

/** Ended tasks that are kept for the list. */
const MAX_ENDED = 200;
/** Progress is published at most so often, milliseconds. */
const PUBLISH_MS = 100;

export interface TaskOptions {
  kind: TaskView['kind'];
  title: string;
  node?: string | undefined;
  unit: TaskView['unit'];
  total?: number | undefined;
  cancellable?: boolean;
}

export class Task {
  readonly #abort = new AbortController();
  readonly #rate = new RateMeter();
  readonly #publish: (view: TaskView) => void;
  #view: TaskView;
  #publishedAt = 0;

  constructor(id: string, options: TaskOptions, publish: (view: TaskView) => void) {
    this.#publish = publish;
    this.#view = {
      id,
      kind: options.kind,
      title: options.title,
      phase: 'running',
      done: 0,
      unit: options.unit,
      startedAt: Date.now(),
      cancellable: options.cancellable ?? true,
      ...(options.node === undefined ? {} : { node: options.node }),
      ...(options.total === undefined ? {} : { total: options.total }),
    };
    this.#rate.sample(0, performance.now());
    publish(this.#view);
  }

  get view(): TaskView {
    return this.#view;
  }

  get id(): string {
    return this.#view.id;
  }

  /** Fires when the person cancels; the work then ends and calls `fail` or `cancelled`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get running(): boolean {
    return this.#view.phase === 'running';
  }

  setTotal(total: number): void {
    this.#view = { ...this.#view, total };
  }

  advance(by: number): void {
    if (!this.running) return;
    const now = performance.now();
    const done = this.#view.done + by;
    this.#view = { ...this.#view, done };
    if (this.#view.unit === 'bytes') this.#view.perSecond = this.#rate.sample(done, now);
    if (now - this.#publishedAt < PUBLISH_MS) return;
    this.#publishedAt = now;
    this.#publish(this.#view);
  }

  cancel(): void {
    this.#abort.abort(new StudioError('CANCELLED', 'Cancelled.'));
  }

  done(outcome: string): void {
    this.#end({ phase: 'done', outcome });
  }

  cancelled(outcome?: string): void {
    this.#end({ phase: 'cancelled', ...(outcome ? { outcome } : {}) });
  }

  /** Cancelled when the person wanted it so, whatever was thrown. */
  fail(thrown: unknown): void {
    if (this.signal.aborted) return this.cancelled();
    const error: ErrorShape = toErrorShape(thrown);
    this.#end({ phase: 'failed', error });
  }

  #end(change: Partial<TaskView>): void {
    if (!this.running) return;
    const { perSecond: _, ...view } = this.#view;
    this.#view = { ...view, ...change, endedAt: Date.now(), cancellable: false };
    this.#publish(this.#view);
  }
}

export class Tasks {
  readonly #tasks = new Map<string, Task>();
  readonly #hub: EventHub;
  #count = 0;

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  begin(options: TaskOptions): Task {
    this.#count += 1;
    const task = new Task(`task-${this.#count}`, options, (view) =>
      this.#hub.push({ type: 'task', task: view }),
    );
    this.#tasks.set(task.id, task);
    this.#forgetOldest();
    return task;
  }

  cancel(id: string): void {
    const task = this.#tasks.get(id);
    if (!task) throw new StudioError('UNKNOWN_TASK', 'This task is no longer in the list.');
    if (task.running) task.cancel();
  }

  cancelAll(): void {
    for (const task of this.#tasks.values()) if (task.running) task.cancel();
  }

  /** Takes the ended tasks off the list. */
  clear(): void {
    for (const task of this.#tasks.values()) if (!task.running) this.#forget(task);
  }

  views(): TaskView[] {
    return [...this.#tasks.values()].map((task) => task.view);
  }

  #forgetOldest(): void {
    let ended = [...this.#tasks.values()].filter((task) => !task.running).length;
    for (const task of this.#tasks.values()) {
      if (ended <= MAX_ENDED) return;
      if (task.running) continue;
      this.#forget(task);
      ended -= 1;
    }
  }

  #forget(task: Task): void {
    this.#tasks.delete(task.id);
    this.#hub.push({ type: 'task-removed', id: task.id });
  }
}
