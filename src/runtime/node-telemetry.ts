import { latencyBucket } from '../contract/latency';
import type { FromNode, NodeTelemetry, Watch } from '../contract/node-port';
import type { Log, Telemetry } from './context';
import type { FlowMeter } from './flow-meter';

/** While somebody looks: smooth for the eye, and few enough batches for a hundred nodes. */
const VISIBLE_INTERVAL_MS = 100;
/** While nobody looks: the journal still has to be right. */
const HIDDEN_INTERVAL_MS = 1000;
const RESOURCES_INTERVAL_MS = 2000;
/** Records of one kind in one batch; what is more is counted as dropped. */
const MAX_EVENTS = 200;
const MAX_LOGS = 200;
const MAX_MESSAGES = 200;
const MAX_TEXT = 2000;

/**
 * Collects what a node shows of itself and sends it in batches. It sleeps while nothing happens, so an idle
 * node costs nothing, and it caps every list, so a busy one does not slow down because it is watched.
 */
export class NodeTelemetrySender {
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly #post: (message: FromNode) => void;
  readonly #flows: FlowMeter;
  #watch: Watch;
  #pending: NodeTelemetry = {};
  #counters: Record<string, number> = {};
  #countersChanged = false;
  readonly #latencies: number[] = [];
  #latenciesChanged = false;
  #read: (() => Record<string, unknown>) | undefined;
  #snapshotChanged = false;
  #timer: NodeJS.Timeout | undefined;
  #resourcesTimer: NodeJS.Timeout | undefined;
  #cpuBefore = process.cpuUsage();

  constructor(post: (message: FromNode) => void, flows: FlowMeter, watch: Watch) {
    this.#post = post;
    this.#flows = flows;
    flows.onActivity = () => {
      if (this.#watch.visible) this.#schedule();
    };
    this.#watch = watch;
    this.telemetry = {
      count: (name, by = 1) => {
        this.#counters[name] = (this.#counters[name] ?? 0) + by;
        this.#countersChanged = true;
        this.#schedule();
      },
      publish: (read) => {
        this.#read = read;
        const changed = (): void => {
          this.#snapshotChanged = true;
          this.#schedule();
        };
        changed();
        return { changed };
      },
      event: (event) => this.#add('events', MAX_EVENTS, { ...event, text: clip(event.text), at: Date.now() }),
      trace: (direction, transport, peer, text) => {
        if (!this.#watch.messages) return;
        this.#add('messages', MAX_MESSAGES, {
          at: Date.now(),
          direction,
          transport,
          peer: { ...peer },
          text: clip(text()),
        });
      },
      hop: (to, hop) => {
        if (this.#watch.visible) this.#flows.hop(to, hop);
      },
      asked: () => (this.#watch.visible ? performance.now() : undefined),
      answered: (asked) => {
        if (asked !== undefined) this.#took(performance.now() - asked);
      },
    };
    const write = (level: 'debug' | 'info' | 'warn' | 'error') => (text: string) =>
      this.#add('logs', MAX_LOGS, { at: Date.now(), level, text: clip(text) });
    this.log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    this.#sampleResources();
  }

  watch(watch: Watch): void {
    // What moved while nobody looked is not drawn as one burst now.
    if (watch.visible && !this.#watch.visible) this.#flows.sample();
    this.#watch = watch;
    this.#sampleResources();
    this.flush();
  }

  /** Sends what there is now; the next batch follows when something happens. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#pending;
    this.#pending = {};
    if (this.#countersChanged) batch.counters = { ...this.#counters };
    if (this.#latenciesChanged) batch.latencies = [...this.#latencies];
    if (this.#snapshotChanged && this.#read) batch.snapshot = this.#read();
    this.#countersChanged = this.#latenciesChanged = this.#snapshotChanged = false;
    const flows = this.#watch.visible ? this.#flows.sample() : [];
    if (flows.length > 0) batch.flows = flows;
    if (Object.keys(batch).length > 0) this.#post({ type: 'telemetry', telemetry: batch });
    // A long transfer moves bytes without telling anybody: look again while it does.
    if (flows.length > 0) this.#schedule();
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    clearInterval(this.#resourcesTimer);
  }

  #add<List extends 'events' | 'logs' | 'messages'>(
    list: List,
    max: number,
    record: NonNullable<NodeTelemetry[List]>[number],
  ): void {
    this.#pending[list] ??= [];
    const records = this.#pending[list] as (typeof record)[];
    if (records.length < max) records.push(record);
    else this.#pending.dropped = (this.#pending.dropped ?? 0) + 1;
    this.#schedule();
  }

  #took(ms: number): void {
    const bucket = latencyBucket(ms);
    while (this.#latencies.length <= bucket) this.#latencies.push(0);
    this.#latencies[bucket] = (this.#latencies[bucket] as number) + 1;
    this.#latenciesChanged = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const interval = this.#watch.visible ? VISIBLE_INTERVAL_MS : HIDDEN_INTERVAL_MS;
    this.#timer = setTimeout(() => this.flush(), interval);
    this.#timer.unref();
  }

  #sampleResources(): void {
    clearInterval(this.#resourcesTimer);
    if (!this.#watch.visible) return;
    this.#resourcesTimer = setInterval(() => {
      const { user, system } = process.cpuUsage(this.#cpuBefore);
      this.#cpuBefore = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      this.#pending.resources = {
        cpu: seconds / (RESOURCES_INTERVAL_MS / 1000),
        heapBytes: process.memoryUsage().heapUsed,
      };
      // Bytes of connections that the node accepted or keeps open show up here at the latest.
      this.flush();
    }, RESOURCES_INTERVAL_MS);
    this.#resourcesTimer.unref();
  }
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
