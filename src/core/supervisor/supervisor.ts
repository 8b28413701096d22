/** All node processes of the workspace: started in order, watched, told what they need to know, and ended. */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { type ErrorShape, StudioError, toErrorShape } from '../../contract/errors';
import type { NodeView } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import type { NodeTelemetry, Watch } from '../../contract/node-port';
import type { NodeSpec, Workspace } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import type { EventHub } from '../events/event-hub';
import type { Journal } from '../journal/journal';
import type { Task, Tasks } from '../tasks';
import { knownManifest } from '../workspace/document';
import { AddressBook } from './address-book';
import type { NodeLauncher } from './launcher';
import { type Deadlines, NodeProcess, type NodeProcessState } from './node-process';
import type { PortUse } from './ports';
import { nodePorts, type ResolveContext, resolveConfig } from './resolve-config';
import { explainStartFailure } from './start-failure';
import { type StartStep, startOrder } from './start-order';

/** More at once make each slower, and the machine sluggish. */
const STARTS_AT_ONCE = Math.max(2, availableParallelism());

export interface SupervisorOptions {
  launcher: NodeLauncher;
  hub: EventHub;
  journal: Journal;
  tasks: Tasks;
  deadlines(): Deadlines;
  folder: ResolveContext['folder'];
  faultsOf(node: NodeSpec): FaultSpec[];
  onTelemetry(node: NodeSpec, telemetry: NodeTelemetry): void;
  /** The process was stopped from outside, and cannot answer anything now. */
  isFrozen(id: string): boolean;
  /** A node was asked to end. */
  onEnding(node: NodeSpec): void;
  /** A node has bound its ports, or lost them. */
  onPortsChanged(): void;
  /** The process of a node is gone. */
  onEnded(node: NodeSpec): void;
}

interface Supervised {
  spec: NodeSpec;
  view: NodeView;
  process?: NodeProcess;
  /** What the process was started with. */
  startedWith?: Record<string, unknown>;
  faults: FaultSpec[];
  watch: Watch;
  /** Set while it is being started or restarted, so that a second click changes nothing. */
  starting?: Promise<void>;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #nodes = new Map<string, Supervised>();
  /** Processes of deleted nodes that are still on their way out. */
  readonly #leaving = new Map<string, NodeProcess>();
  #addresses = new AddressBook([]);
  #closing = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Follows the document: new nodes appear stopped, deleted ones are stopped and leave. */
  sync(document: Workspace): void {
    const specs = new Map(document.nodes.map((spec) => [spec.id, spec]));
    for (const [id, node] of this.#nodes) if (!specs.has(id)) this.#remove(id, node);
    for (const spec of document.nodes) {
      const node = this.#nodes.get(spec.id);
      if (node) node.spec = spec;
      else this.#add(spec);
    }
    this.#markOutdated();
  }

  views(): NodeView[] {
    return [...this.#nodes.values()].map((node) => node.view);
  }

  viewIfKnown(id: string): NodeView | undefined {
    return this.#nodes.get(id)?.view;
  }

  view(id: string): NodeView {
    return this.#node(id).view;
  }

  spec(id: string): NodeSpec {
    return this.#node(id).spec;
  }

  get addresses(): AddressBook {
    return this.#addresses;
  }

  /** Every port that a node has or wants, for the search of free ones. */
  portUses(): PortUse[] {
    return [...this.#nodes.values()].flatMap(({ spec, view }) =>
      nodePorts(spec, view.ports).map(({ name, transport, port }) => ({
        node: spec.id,
        name: spec.name,
        transport,
        port,
        running: name in view.ports,
      })),
    );
  }

  /**
   * Starts nodes, link targets first and a few at a time; resolves when each runs or has failed. Those that
   * run already are left alone. Several are a task that can be cancelled.
   */
  async start(ids: readonly string[]): Promise<void> {
    const nodes = ids.map((id) => this.#node(id)).filter(({ view }) => !isUp(view));
    await this.#startInOrder(nodes, (node) => this.#startOne(node));
  }

  async restart(ids: readonly string[]): Promise<void> {
    const nodes = ids.map((id) => this.#node(id));
    for (const { process } of nodes) process?.stop();
    await this.#startInOrder(nodes, (node) => this.#startOne(node));
  }

  /** Resolves when all are gone; each has its deadline. */
  async stop(ids: readonly string[]): Promise<void> {
    await this.#end(ids, (process) => process.stop());
  }

  async drain(ids: readonly string[]): Promise<void> {
    const draining = ids.map((id) => this.#node(id)).filter(({ view }) => view.phase === 'running');
    for (const { spec } of draining)
      this.#note(spec, 'info', 'node-draining', `${spec.name} takes no new clients.`);
    await this.#end(ids, (process) => process.drain());
  }

  async kill(ids: readonly string[]): Promise<void> {
    await this.#end(ids, (process) => process.kill());
  }

  /** @throws StudioError of code 'NODE_NOT_RUNNING', or what the node answers */
  async operate(
    id: string,
    operation: string,
    input: unknown,
    options: Parameters<NodeProcess['operate']>[2] = {},
  ): Promise<unknown> {
    const { process, spec } = this.#node(id);
    if (!process?.alive)
      throw new StudioError('NODE_NOT_RUNNING', `${spec.name} is not running.`, 'Start it first.');
    return process.operate(operation, input, options);
  }

  /** What the panels look at has changed. */
  refreshWatch(): void {
    for (const [id, node] of this.#nodes) {
      const watch = this.#options.hub.watchOf(id);
      if (isDeepStrictEqual(watch, node.watch)) continue;
      node.watch = watch;
      node.process?.setWatch(watch);
    }
  }

  /** The faults, or the addresses that they act on, have changed. */
  refreshFaults(): void {
    for (const node of this.#nodes.values()) {
      const faults = this.#options.faultsOf(node.spec);
      if (isDeepStrictEqual(faults, node.faults)) continue;
      const kept = new Set(faults.map(({ id }) => id));
      const heals = node.faults.some(({ id }) => !kept.has(id));
      node.faults = faults;
      node.process?.setFaults(faults, { heals });
    }
  }

  /** Ends every process: first asked, then killed. Resolves when none is left. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#endAll((process) => process.stop());
  }

  /** Ends every process now. */
  async killAll(): Promise<void> {
    this.#closing = true;
    await this.#endAll((process) => process.kill());
  }

  /** Ends every process, to open another workspace. */
  async clear(): Promise<void> {
    await this.close();
    for (const [id, node] of this.#nodes) this.#remove(id, node);
    this.#closing = false;
  }

  async #endAll(end: (process: NodeProcess) => void): Promise<void> {
    const processes = [...this.#leaving.values()];
    for (const { process } of this.#nodes.values()) if (process?.alive) processes.push(process);
    for (const process of processes) end(process);
    await Promise.all(processes.map((process) => process.ended));
  }

  async #end(ids: readonly string[], end: (process: NodeProcess) => void): Promise<void> {
    const processes = ids.flatMap((id) => this.#node(id).process ?? []).filter((process) => process.alive);
    for (const process of processes) end(process);
    await Promise.all(processes.map((process) => process.ended));
  }

  async #startInOrder(nodes: Supervised[], start: (node: Supervised) => Promise<void>): Promise<void> {
    const [only] = nodes;
    if (!only) return;
    if (nodes.length === 1) {
      await start(only);
      if (!isUp(only.view)) this.#tellFailure(only);
      return;
    }
    const task = this.#options.tasks.begin({
      kind: 'start',
      title: `Start ${nodes.length} nodes`,
      unit: 'items',
      total: nodes.length,
    });
    const steps = startOrder(nodes.map(({ spec }) => spec));
    await inOrder(steps, STARTS_AT_ONCE, async ({ node }) => {
      const supervised = this.#nodes.get(node.id);
      if (supervised && !task.signal.aborted && !this.#closing) await start(supervised);
      task.advance(1);
    });
    this.#tellOutcome(task, nodes);
  }

  #startOne(node: Supervised): Promise<void> {
    node.starting ??= this.#launch(node).finally(() => {
      delete node.starting;
    });
    return node.starting;
  }

  async #launch(node: Supervised): Promise<void> {
    const { spec } = node;
    // A process that is on its way out still holds the ports.
    await node.process?.ended;
    await this.#leaving.get(spec.id)?.ended;
    if (this.#closing || this.#nodes.get(spec.id) !== node) return;
    let config: Record<string, unknown>;
    try {
      config = this.#resolve(spec);
    } catch (error) {
      return this.#failedToStart(node, toErrorShape(error));
    }
    const process = new NodeProcess({
      launcher: this.#options.launcher,
      name: spec.name,
      start: {
        kind: spec.kind,
        config,
        seed: randomInt(2 ** 32),
        faults: this.#options.faultsOf(spec),
        watch: this.#options.hub.watchOf(spec.id),
      },
      deadlines: this.#options.deadlines(),
      onState: (state) => this.#onState(node, process, state),
      onTelemetry: (telemetry) => this.#onTelemetry(node, telemetry),
      onOutput: (line) => this.#onOutput(node, line),
      onDisobedience: () => void this.#restartDisobedient(node, process),
    });
    node.process = process;
    node.startedWith = config;
    node.faults = this.#options.faultsOf(spec);
    node.watch = this.#options.hub.watchOf(spec.id);
    process.launch();
    await process.settled;
    if (process.state.phase === 'crashed') await this.#explain(node);
  }

  /** The last way to heal a node that cannot obey. */
  async #restartDisobedient(node: Supervised, process: NodeProcess): Promise<void> {
    const { spec } = node;
    if (node.process !== process || !process.alive || this.#options.isFrozen(spec.id)) return;
    const text = `${spec.name} did not obey the heal in time, so it is restarted.`;
    this.#note(spec, 'bad', 'node-disobedient', text);
    this.#options.hub.notice('warning', text, 'It was too busy, or stuck. Its faults are gone all the same.');
    process.kill();
    await process.ended;
    await this.#startOne(node);
  }

  #resolve(spec: NodeSpec): Record<string, unknown> {
    return resolveConfig(spec, knownManifest(spec.kind), {
      node: (id) => this.#nodes.get(id)?.spec,
      boundPorts: (id) => this.#nodes.get(id)?.view.ports ?? {},
      folder: this.#options.folder,
    });
  }

  #onState(node: Supervised, process: NodeProcess, state: NodeProcessState): void {
    if (node.process !== process) return;
    const before = node.view;
    const keepsFigures = state.phase !== 'starting';
    node.view = {
      id: node.spec.id,
      ...state,
      snapshot: keepsFigures ? before.snapshot : {},
      counters: keepsFigures ? before.counters : {},
      ...(state.pid !== undefined && before.cpu !== undefined ? { cpu: before.cpu } : {}),
      ...(state.pid !== undefined && before.heapBytes !== undefined ? { heapBytes: before.heapBytes } : {}),
    };
    if (before.phase !== state.phase) this.#onPhase(node, before.phase);
    this.#publish(node);
  }

  #onPhase(node: Supervised, before: NodeView['phase']): void {
    const { spec, view } = node;
    const name = spec.name;
    if (view.phase === 'running') {
      const ports = Object.entries(view.ports).map(([port, number]) => `${port} ${number}`);
      this.#note(
        spec,
        'good',
        'node-started',
        `${name} is running${ports.length ? ` (${ports.join(', ')})` : ''}.`,
      );
    } else if (view.phase === 'stopped') {
      this.#note(spec, 'info', 'node-stopped', view.reason?.message ?? `${name} stopped.`);
    } else if (view.phase === 'crashed') {
      const type = view.reason?.code === 'KILLED' ? 'node-killed' : 'node-crashed';
      this.#note(spec, 'bad', type, view.reason?.message ?? `${name} crashed.`);
      const wasUp = before !== 'starting' && view.reason?.code !== 'KILLED';
      if (wasUp) this.#options.hub.notice('bad', `${name} crashed`, describe(view.reason));
    }
    if (view.phase === 'stopping' || view.phase === 'draining') this.#options.onEnding(spec);
    if (view.phase === 'stopped' || view.phase === 'crashed') this.#options.onEnded(spec);
    const portsChanged = view.phase === 'running' || view.phase === 'stopped' || view.phase === 'crashed';
    if (portsChanged) this.#refreshAddresses();
  }

  #onTelemetry(node: Supervised, telemetry: NodeTelemetry): void {
    // Deleted, and on its way out.
    if (this.#nodes.get(node.spec.id) !== node) return;
    const { counters, snapshot, resources } = telemetry;
    if (counters || snapshot || resources) {
      node.view = {
        ...node.view,
        ...(counters ? { counters } : {}),
        ...(snapshot ? { snapshot } : {}),
        ...resources,
      };
      this.#publish(node);
    }
    this.#options.onTelemetry(node.spec, telemetry);
  }

  #onOutput(node: Supervised, line: string): void {
    this.#onTelemetry(node, { logs: [{ at: Date.now(), level: 'warn', text: line }] });
  }

  /** Says who holds a port that was taken, once that is known. */
  async #explain(node: Supervised): Promise<void> {
    const { reason } = node.view;
    if (!reason) return;
    const better = await explainStartFailure(reason, node.spec, this.portUses());
    if (!better || node.view.reason !== reason) return;
    node.view = { ...node.view, reason: better };
    this.#publish(node);
  }

  #failedToStart(node: Supervised, reason: ErrorShape): void {
    node.view = { ...node.view, phase: 'crashed', since: Date.now(), reason };
    this.#note(node.spec, 'bad', 'node-crashed', `${node.spec.name} did not start: ${reason.message}`);
    this.#publish(node);
  }

  #tellFailure(node: Supervised): void {
    const { phase, reason } = node.view;
    if (phase === 'crashed' && reason?.code !== 'KILLED')
      this.#options.hub.notice('bad', `${node.spec.name} did not start`, describe(reason));
  }

  #tellOutcome(task: Task, nodes: readonly Supervised[]): void {
    const failed = nodes.filter(({ view }) => view.phase === 'crashed');
    const up = nodes.filter(({ view }) => isUp(view)).length;
    if (task.signal.aborted) return task.cancelled(`${up} of ${nodes.length} started`);
    const [first] = failed;
    if (!first) return task.done(`${up} started`);
    const error: ErrorShape = {
      code: 'START_FAILED',
      message: `${failed.length} of ${nodes.length} did not start: ${failed.map(({ spec }) => spec.name).join(', ')}.`,
      hint: describe(first.view.reason) ?? 'See their logs.',
    };
    task.fail(new StudioError(error.code, error.message, error.hint));
    this.#options.hub.notice('bad', error.message, error.hint);
  }

  #refreshAddresses(): void {
    const nodes = [...this.#nodes.values()];
    this.#addresses = new AddressBook(nodes.map(({ spec, view }) => ({ node: spec, ports: view.ports })));
    this.#markOutdated();
    this.#options.onPortsChanged();
  }

  #markOutdated(): void {
    for (const node of this.#nodes.values()) {
      const outdated = isUp(node.view) && this.#isOutdated(node);
      if (outdated === (node.view.outdated ?? false)) continue;
      const { outdated: _, ...view } = node.view;
      node.view = outdated ? { ...view, outdated } : view;
      this.#publish(node);
    }
  }

  #isOutdated(node: Supervised): boolean {
    try {
      return !isDeepStrictEqual(this.#resolve(node.spec), node.startedWith);
    } catch {
      return true;
    }
  }

  #add(spec: NodeSpec): void {
    const known = manifestOf(spec.kind) !== undefined;
    const view: NodeView = {
      id: spec.id,
      phase: 'stopped',
      since: Date.now(),
      ports: {},
      snapshot: {},
      counters: {},
      ...(known ? {} : { reason: toErrorShape(unknownKind(spec)) }),
    };
    const node: Supervised = { spec, view, faults: [], watch: { visible: false, messages: false } };
    this.#nodes.set(spec.id, node);
    this.#publish(node);
  }

  #remove(id: string, node: Supervised): void {
    this.#nodes.delete(id);
    const { process } = node;
    if (process?.alive) {
      this.#leaving.set(id, process);
      process.stop();
      void process.ended.then(() => {
        if (this.#leaving.get(id) === process) this.#leaving.delete(id);
      });
      delete node.process;
    }
    this.#options.hub.push({ type: 'node-removed', id });
    this.#refreshAddresses();
  }

  #publish(node: Supervised): void {
    if (this.#nodes.get(node.spec.id) === node) this.#options.hub.push({ type: 'node', node: node.view });
  }

  #note(spec: NodeSpec, level: 'info' | 'good' | 'bad', type: string, text: string): void {
    this.#options.journal.add({
      level,
      type,
      text,
      node: spec.id,
      subject: spec.name,
      aliases: aliasesOf(spec),
      initiates: true,
    });
  }

  #node(id: string): Supervised {
    const node = this.#nodes.get(id);
    if (!node) throw new StudioError('UNKNOWN_NODE', `There is no node "${id}" in this workspace.`);
    return node;
  }
}

/** Names under which a node is known to other nodes: its server id, in the seed's terms. */
export function aliasesOf(spec: NodeSpec): string[] {
  const fields = Object.entries(manifestOf(spec.kind)?.fields ?? {});
  return fields.flatMap(([key, field]) => {
    const value = spec.config[key];
    return field.control === 'text' && field.defaultFromName && typeof value === 'string' && value
      ? [value]
      : [];
  });
}

function isUp({ phase }: NodeView): boolean {
  return phase === 'starting' || phase === 'running';
}

function describe(reason: ErrorShape | undefined): string | undefined {
  return reason && [reason.message, reason.hint].filter(Boolean).join(' ');
}

function unknownKind(spec: NodeSpec): StudioError {
  return new StudioError(
    'UNKNOWN_KIND',
    `This version of the studio does not know the node kind "${spec.kind}".`,
    `${spec.name} is kept as it is. Open the workspace with the version that made it.`,
  );
}

/** Runs the steps, at most `atOnce` together, each after those it names. */
async function inOrder(
  steps: readonly StartStep[],
  atOnce: number,
  run: (step: StartStep) => Promise<void>,
): Promise<void> {
  const finished = new Map<string, Promise<void>>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let step = steps[next++]; step; step = steps[next++]) {
      const current = step;
      const ready = Promise.all(current.after.map((id) => finished.get(id)));
      const done = ready.then(() => run(current));
      finished.set(current.node.id, done);
      await done;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
