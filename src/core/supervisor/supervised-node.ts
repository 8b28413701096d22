/** One node of the workspace: what is shown of it, and its present process, if it has one. */
import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type ErrorShape, StudioError, toErrorShape } from '../../contract/errors';
import type { NodeView } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import type { NodeTelemetry, Watch } from '../../contract/node-port';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import type { EventHub } from '../events/event-hub';
import type { Journal } from '../journal/journal';
import type { NodeLauncher } from './launcher';
import { type Deadlines, NodeProcess, type NodeProcessState } from './node-process';

/** What a node needs of the supervisor, and tells it. */
export interface NodeSurroundings {
  launcher: NodeLauncher;
  hub: EventHub;
  journal: Journal;
  deadlines(): Deadlines;
  faultsOf(node: NodeSpec): FaultSpec[];
  /** The process was stopped from outside, and cannot answer anything now. */
  isFrozen(id: string): boolean;
  /** What its program is to be started with. @throws StudioError */
  resolve(node: NodeSpec): Record<string, unknown>;
  /** Resolves when a deleted node of the same id, whose process may hold the ports, is gone. */
  predecessorGone(id: string): Promise<void>;
  /** A better reason for a failed start, if there is one. */
  explain(reason: ErrorShape, node: NodeSpec): Promise<ErrorShape | undefined>;
  onTelemetry(node: NodeSpec, telemetry: NodeTelemetry): void;
  onEnding(node: NodeSpec): void;
  onEnded(node: NodeSpec): void;
  onPortsChanged(): void;
}

export class SupervisedNode {
  readonly #around: NodeSurroundings;
  #spec: NodeSpec;
  #view: NodeView;
  #process: NodeProcess | undefined;
  #startedWith: Record<string, unknown> | undefined;
  /** Its present process did not take a setting that needs no restart. */
  #refusesLive = false;
  /** Settles when the last failed start is in the journal, explained. */
  #failedStartTold: Promise<void> = Promise.resolve();
  #faults: FaultSpec[] = [];
  #watch: Watch = { visible: false, messages: false };
  /** Set while it is being started, so that a second click changes nothing. */
  #starting: Promise<void> | undefined;
  /** Whether the last wish was that it runs. A start that has to wait looks again before it begins. */
  #wanted = false;
  #removed = false;

  constructor(spec: NodeSpec, around: NodeSurroundings) {
    this.#around = around;
    this.#spec = spec;
    this.#view = stoppedView(spec);
    this.#publish();
  }

  get spec(): NodeSpec {
    return this.#spec;
  }

  get view(): NodeView {
    return this.#view;
  }

  /** Starting or running. */
  get up(): boolean {
    return this.#view.phase === 'starting' || this.#view.phase === 'running';
  }

  get alive(): boolean {
    return this.#process?.alive ?? false;
  }

  /** Resolves when it has no process. */
  get ended(): Promise<void> {
    return this.#process?.ended ?? Promise.resolve();
  }

  /** The document has changed. */
  follow(spec: NodeSpec): void {
    this.#spec = spec;
  }

  /** It is to run, though its turn to be started may come later. */
  want(): void {
    this.#wanted = true;
  }

  /** Starts it if it is still wanted; resolves when it runs or has failed, which its view tells. */
  start(): Promise<void> {
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Starts it once it is gone. */
  async restart(): Promise<void> {
    await this.#starting;
    await this.start();
  }

  stop(): void {
    this.#wanted = false;
    this.#process?.stop();
  }

  /** Stops the present process only: the next one is wanted. */
  stopForRestart(): void {
    this.#wanted = true;
    this.#process?.stop();
  }

  /** It is drained when these are gone; with nobody to wait for, it goes on as before. */
  awaitDrain(others: readonly string[]): void {
    const { waitingFor: _, ...view } = this.#view;
    if (this.#view.phase !== 'running') return;
    this.#view =
      others.length > 0 ? { ...view, waitingFor: `${others.join(', ')} to be drained first` } : view;
    this.#publish();
  }

  drain(): void {
    this.#wanted = false;
    if (this.#view.phase === 'running')
      this.#note('info', 'node-draining', `${this.#spec.name} takes no new clients.`);
    this.#process?.drain();
  }

  kill(): void {
    this.#wanted = false;
    this.#process?.kill();
  }

  /** It was deleted: its process is stopped, and nothing of it is shown any more. */
  remove(): void {
    this.#removed = true;
    this.stop();
  }

  /** @throws StudioError of code 'NODE_NOT_RUNNING', or what the node answers */
  async operate(...args: Parameters<NodeProcess['operate']>): Promise<unknown> {
    if (this.#process?.alive) return this.#process.operate(...args);
    throw new StudioError('NODE_NOT_RUNNING', `${this.#spec.name} is not running.`, 'Start it first.');
  }

  /** What the panels look at may have changed. */
  refreshWatch(): void {
    const watch = this.#around.hub.watchOf(this.#spec.id);
    if (isDeepStrictEqual(watch, this.#watch)) return;
    this.#watch = watch;
    this.#process?.setWatch(watch);
  }

  /** The faults, or the addresses that they act on, may have changed. */
  refreshFaults(): void {
    const faults = this.#around.faultsOf(this.#spec);
    if (isDeepStrictEqual(faults, this.#faults)) return;
    const kept = new Set(faults.map(({ id }) => id));
    const heals = this.#faults.some(({ id }) => !kept.has(id));
    this.#faults = faults;
    this.#process?.setFaults(faults, { heals });
  }

  /** Its configuration, or the address of a linked node, may have changed. */
  refreshOutdated(): void {
    this.#applyLive();
    const outdated = this.up && this.#isOutdated();
    if (outdated === (this.#view.outdated ?? false)) return;
    const { outdated: _, ...view } = this.#view;
    this.#view = outdated ? { ...view, outdated } : view;
    this.#publish();
  }

  async #launch(): Promise<void> {
    // A process that is on its way out still holds the ports.
    await this.ended;
    await this.#around.predecessorGone(this.#spec.id);
    if (!this.#wanted || this.#removed) return;
    const spec = this.#spec;
    let config: Record<string, unknown>;
    try {
      config = this.#around.resolve(spec);
    } catch (error) {
      return this.#cannotStart(toErrorShape(error));
    }
    this.#startedWith = config;
    this.#refusesLive = false;
    this.#faults = this.#around.faultsOf(spec);
    this.#watch = this.#around.hub.watchOf(spec.id);
    const process = new NodeProcess({
      launcher: this.#around.launcher,
      name: spec.name,
      start: { kind: spec.kind, config, seed: randomInt(2 ** 32), faults: this.#faults, watch: this.#watch },
      deadlines: this.#around.deadlines(),
      onState: (state) => this.#onState(state),
      onTelemetry: (telemetry) => this.#onTelemetry(telemetry),
      onOutput: (text) => this.#onTelemetry({ logs: [{ at: Date.now(), level: 'warn', text }] }),
      onDisobedience: () => void this.#restartDisobedient(),
    });
    this.#process = process;
    process.launch();
    await process.settled;
    await this.#failedStartTold;
  }

  #cannotStart(reason: ErrorShape): void {
    const { outdated: _, ...view } = this.#view;
    this.#view = { ...view, phase: 'crashed', since: Date.now(), reason };
    this.#note('bad', 'node-crashed', `${this.#spec.name} did not start: ${reason.message}`);
    this.#publish();
  }

  /** Once it is known, for instance, who holds a port that was taken. */
  async #tellFailedStart(): Promise<void> {
    const { reason } = this.#view;
    const better = reason && (await this.#around.explain(reason, this.#spec));
    this.#tellCrash(better ?? reason);
    if (!better || this.#view.reason !== reason) return;
    this.#view = { ...this.#view, reason: better };
    this.#publish();
  }

  /** The last way to heal a node that cannot obey. */
  async #restartDisobedient(): Promise<void> {
    if (!this.alive || this.#around.isFrozen(this.#spec.id)) return;
    const text = `${this.#spec.name} did not obey the heal in time, so it is restarted.`;
    this.#note('bad', 'node-disobedient', text);
    this.#around.hub.notice('warning', text, 'It was too busy, or stuck. Its faults are gone all the same.');
    this.#process?.killDisobedient();
    this.want();
    await this.start();
  }

  /** Gives a running node what it can take without a restart. One that refuses it is outdated. */
  #applyLive(): void {
    const former = this.#startedWith;
    if (this.#view.phase !== 'running' || !former || this.#refusesLive) return;
    const changed = this.#liveChanges(former);
    const labels = Object.keys(changed).map((key) => manifestOf(this.#spec.kind)?.fields[key]?.label);
    if (labels.length === 0) return;
    const { name } = this.#spec;
    this.#startedWith = { ...former, ...changed };
    this.operate('configure', changed).then(
      () => this.#note('info', 'node-configured', `${name} uses its new settings: ${labels.join(', ')}.`),
      (error: Error) => {
        this.#note('bad', 'node-not-configured', `${name} does not take its new settings: ${error.message}`);
        this.#startedWith = former;
        this.#refusesLive = true;
        this.refreshOutdated();
      },
    );
  }

  #liveChanges(former: Record<string, unknown>): Record<string, unknown> {
    const fields = manifestOf(this.#spec.kind)?.fields ?? {};
    let config: Record<string, unknown>;
    try {
      config = this.#around.resolve(this.#spec);
    } catch {
      return {};
    }
    return Object.fromEntries(
      Object.entries(config).filter(
        ([key, value]) => fields[key]?.live && !isDeepStrictEqual(value, former[key]),
      ),
    );
  }

  #isOutdated(): boolean {
    try {
      return !isDeepStrictEqual(this.#around.resolve(this.#spec), this.#startedWith);
    } catch {
      return true;
    }
  }

  #onState(state: NodeProcessState): void {
    if (this.#removed) return;
    const before = this.#view;
    const keepsFigures = state.phase !== 'starting';
    this.#view = {
      id: this.#spec.id,
      ...state,
      snapshot: keepsFigures ? before.snapshot : {},
      counters: keepsFigures ? before.counters : {},
      ...(keepsFigures && before.latencies ? { latencies: before.latencies } : {}),
      ...(state.pid !== undefined && before.cpu !== undefined ? { cpu: before.cpu } : {}),
      ...(state.pid !== undefined && before.heapBytes !== undefined ? { heapBytes: before.heapBytes } : {}),
    };
    if (before.phase !== state.phase) this.#onPhase(before.phase);
    this.#publish();
  }

  #onPhase(before: NodeView['phase']): void {
    const { phase } = this.#view;
    this.#tellPhase(before);
    if (phase === 'stopping' || phase === 'draining') this.#around.onEnding(this.#spec);
    if (phase === 'stopped' || phase === 'crashed') this.#around.onEnded(this.#spec);
    if (phase === 'running' || phase === 'stopped' || phase === 'crashed') this.#around.onPortsChanged();
  }

  #tellPhase(before: NodeView['phase']): void {
    const { phase, reason, ports } = this.#view;
    const { name } = this.#spec;
    if (phase === 'running') {
      const bound = Object.entries(ports).map(([port, number]) => `${port} ${number}`);
      const where = bound.length > 0 ? ` (${bound.join(', ')})` : '';
      this.#note('good', 'node-started', `${name} is running${where}.`);
    } else if (phase === 'stopped') {
      this.#note('info', 'node-stopped', reason?.message ?? `${name} stopped.`);
    } else if (phase === 'crashed') {
      if (isOnPurpose(reason)) return this.#note('bad', 'node-killed', reason.message);
      if (before === 'starting') {
        this.#failedStartTold = this.#tellFailedStart();
        return;
      }
      this.#tellCrash(reason);
      this.#around.hub.notice('bad', `${name} crashed`, describeReason(reason));
    }
  }

  #tellCrash(reason: ErrorShape | undefined): void {
    this.#note('bad', 'node-crashed', reason?.message ?? `${this.#spec.name} crashed.`);
  }

  #onTelemetry(telemetry: NodeTelemetry): void {
    if (this.#removed) return;
    const { counters, latencies, snapshot, resources } = telemetry;
    if (counters || latencies || snapshot || resources) {
      const figures = {
        ...(counters ? { counters } : {}),
        ...(latencies ? { latencies } : {}),
        ...(snapshot ? { snapshot } : {}),
        ...resources,
      };
      this.#view = { ...this.#view, ...figures };
      this.#publish();
    }
    this.#around.onTelemetry(this.#spec, telemetry);
  }

  #publish(): void {
    this.#around.hub.push({ type: 'node', node: this.#view });
  }

  #note(level: 'info' | 'good' | 'bad', type: string, text: string): void {
    const { id, name } = this.#spec;
    const aliases = aliasesOf(this.#spec);
    this.#around.journal.add({ level, type, text, node: id, subject: name, aliases, initiates: true });
  }
}

/** Names under which a node is known to other nodes: its server id, in the seed's terms. */
export function aliasesOf(spec: NodeSpec): string[] {
  const fields = Object.entries(manifestOf(spec.kind)?.fields ?? {});
  return fields.flatMap(([key, field]) => {
    const value = spec.config[key];
    const names =
      field.control === 'text' && field.defaultFromName && typeof value === 'string' && value !== '';
    return names ? [value] : [];
  });
}

function isOnPurpose(reason: ErrorShape | undefined): reason is ErrorShape {
  return reason?.code === 'KILLED' || reason?.code === 'DISOBEDIENT';
}

/** A reason and what to do about it, in one line. */
export function describeReason(reason: ErrorShape | undefined): string | undefined {
  return reason && [reason.message, reason.hint].filter(Boolean).join(' ');
}

function stoppedView(spec: NodeSpec): NodeView {
  const view = { id: spec.id, since: Date.now(), ports: {}, snapshot: {}, counters: {} };
  if (manifestOf(spec.kind)) return { ...view, phase: 'stopped' };
  const reason = {
    code: 'UNKNOWN_KIND',
    message: `This version of the studio does not know the node kind "${spec.kind}".`,
    hint: `${spec.name} is kept as it is. Open the workspace with the version that made it.`,
  };
  return { ...view, phase: 'stopped', reason };
}
