/** The faults that are set: kept with the workspace, told to the nodes in whose processes they act. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { StudioError } from '../../contract/errors';
import type { NodeView } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import { configSchema } from '../../contract/schema';
import type { NodeSpec } from '../../contract/workspace';
import { titleOf } from '../../faults/describe';
import { presets } from '../../faults/presets';
import { faultOf } from '../../faults/registry';
import { momentOf } from '../../faults/schedule';
import type { EventHub } from '../events/event-hub';
import type { Journal } from '../journal/journal';
import { endpointsOf } from '../supervisor/resolve-config';
import { aliasesOf } from '../supervisor/supervised-node';
import { FaultEffects } from './fault-effects';
import { Freezer } from './freezer';

const HANG = 'hang';
const FREEZE = 'freeze';

export interface FaultsOptions {
  hub: EventHub;
  journal: Journal;
  /** The system that the nodes run on, by Node's name for it. */
  platform: string;
  /** @throws StudioError when there is none */
  node(id: string): NodeSpec;
  nodes(): readonly NodeSpec[];
  /** Undefined for a node that is being added or removed at this moment. */
  view(id: string): NodeView | undefined;
  get(): FaultSpec[];
  /** Saves the list with the workspace, and tells the nodes. */
  set(faults: FaultSpec[]): void;
}

export class Faults {
  readonly #options: FaultsOptions;
  readonly #freezer: Freezer;
  readonly #effects: FaultEffects;
  #freezeTimer: NodeJS.Timeout | undefined;

  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#freezer = new Freezer(options.platform);
    this.#effects = new FaultEffects((fault, what) =>
      this.#note('warning', 'fault-effect', fault, `${what} ${this.#placeOf(fault)}.`),
    );
  }

  list(): FaultSpec[] {
    return this.#options.get();
  }

  /**
   * Adds faults at the end of the chain, or changes those with these ids in their place. The time of one that is known
   * begins anew when it is switched on or gets another schedule: "lasts 5 s" is said of the five that come.
   * @throws StudioError for a fault that is not known, or whose settings are not allowed; then none is set
   */
  set(faults: readonly FaultSpec[]): void {
    const before = this.list();
    const known = new Map(before.map((fault) => [fault.id, fault]));
    const checked = faults.map((fault) => this.#checked(fault, known.get(fault.id)));
    const byId = new Map(checked.map((fault) => [fault.id, fault]));
    const added = checked.filter(({ id }) => !known.has(id));
    this.#become([...before.map((fault) => byId.get(fault.id) ?? fault), ...added]);
    for (const fault of added) this.#note('warning', 'fault-set', fault, `${this.#sentence(fault)} was set.`);
  }

  /** @throws StudioError for a preset that is not known, or that makes no sense for these nodes */
  applyPreset(id: string, nodes: readonly string[]): void {
    const preset = presets.find((each) => each.id === id);
    if (!preset) throw new StudioError('UNKNOWN_PRESET', `There is no preset "${id}".`);
    const chosen = nodes.map((node) => this.#options.node(node));
    const misfit = chosen.find(({ kind }) => preset.kinds && !preset.kinds.includes(kind));
    if (misfit) {
      const hint = 'Choose content servers.';
      throw new StudioError('PRESET_MISFIT', `"${preset.label}" cannot be set on ${misfit.name}.`, hint);
    }
    const others = this.#options.nodes().filter(({ id }) => !nodes.includes(id));
    const drafts = preset.faults(chosen, others);
    if (drafts.length === 0) {
      const hint = 'The workspace lacks the other side: a monitor, or further nodes.';
      throw new StudioError('PRESET_MISFIT', `"${preset.label}" has nothing to act on here.`, hint);
    }
    this.set(drafts.map((draft) => ({ ...draft, id: randomUUID(), enabled: true })));
  }

  /** Puts the named faults into this order, in the places that they hold together. */
  order(ids: readonly string[]): void {
    const faults = this.list();
    const wanted = ids.flatMap((id) => faults.find((fault) => fault.id === id) ?? []);
    const moving = new Set(wanted);
    let next = 0;
    this.#become(faults.map((fault) => (moving.has(fault) ? (wanted[next++] as FaultSpec) : fault)));
  }

  remove(ids: readonly string[]): void {
    const gone = this.list().filter((fault) => ids.includes(fault.id));
    if (gone.length === 0) return;
    this.#become(this.list().filter((fault) => !ids.includes(fault.id)));
    for (const fault of gone) {
      const effect = this.#effects.summary(fault);
      const text = `${this.#sentence(fault)} was healed${effect ? `: ${effect}` : ''}.`;
      this.#note('good', 'fault-healed', fault, text);
      this.#effects.forget(fault);
    }
  }

  healAll(): void {
    this.remove(this.list().map(({ id }) => id));
  }

  /** @throws StudioError when the node is not running: there would be nothing that hangs */
  hang(id: string): void {
    const node = this.#options.node(id);
    if (this.#options.view(id)?.phase !== 'running')
      throw new StudioError('NODE_NOT_RUNNING', `${node.name} is not running.`, 'Start it first.');
    this.set([{ id: `${HANG}-${id}`, kind: HANG, node: id, scope: {}, params: {}, enabled: true }]);
  }

  /** Ends whatever keeps the node from running: hangs and freezes. */
  resume(id: string): void {
    const stopping = this.list().filter(
      ({ node, kind }) => node === id && (kind === HANG || kind === FREEZE),
    );
    this.remove(stopping.map((fault) => fault.id));
  }

  /** A process that ends takes with it what was the matter with itself: the next one does not hang. */
  nodeEnded(id: string): void {
    const over = this.list().filter(({ node, kind }) => node === id && faultOf(kind)?.endsWithProcess);
    if (over.length > 0) this.#become(this.list().filter((fault) => !over.includes(fault)));
    this.refreshFrozen();
  }

  /** A node has told how often its faults have struck. */
  observe(node: NodeSpec, counters: Record<string, number>): void {
    const own = this.list().filter((fault) => fault.node === node.id);
    if (own.length > 0) this.#effects.observe(own, counters);
  }

  /** Whether the process cannot answer because it is frozen. */
  isFrozen(id: string): boolean {
    const pid = this.#options.view(id)?.pid;
    return pid !== undefined && this.#freezer.isFrozen(pid);
  }

  /** Stops the processes whose time it is, and lets the others go on: those, too, that are asked to end. */
  refreshFrozen(): void {
    clearTimeout(this.#freezeTimer);
    const pids = new Set<number>();
    let next = Number.POSITIVE_INFINITY;
    for (const fault of this.list()) {
      if (fault.kind !== FREEZE || !fault.enabled) continue;
      const { pid, phase } = this.#options.view(fault.node) ?? {};
      const moment = momentOf(fault.schedule, Date.now() - (fault.since ?? 0));
      next = Math.min(next, moment.changesIn);
      if (moment.acts && phase === 'running' && pid !== undefined) pids.add(pid);
    }
    this.#freezer.keepOnly(pids);
    for (const pid of pids) this.#freezer.freeze(pid);
    if (next !== Number.POSITIVE_INFINITY) {
      this.#freezeTimer = setTimeout(() => this.refreshFrozen(), Math.ceil(next)).unref();
    }
  }

  /** The chain for one node's process, with the addresses of the peers filled in. */
  of(node: NodeSpec): FaultSpec[] {
    return this.list()
      .filter((fault) => fault.node === node.id && fault.enabled)
      .map((fault) => this.#located(fault));
  }

  #checked(fault: FaultSpec, former: FaultSpec | undefined): FaultSpec {
    this.#options.node(fault.node);
    const definition = faultOf(fault.kind);
    if (!definition) {
      const hint = 'It may belong to another version of this program.';
      throw new StudioError('UNKNOWN_FAULT', `There is no fault "${fault.kind}".`, hint);
    }
    // One that came with a workspace from another system can still be switched off.
    if (fault.enabled && definition.notOn?.includes(this.#options.platform)) {
      const hint = 'Hang does nearly the same: the node answers nothing.';
      throw new StudioError('NOT_ON_THIS_SYSTEM', `${definition.label} cannot be done on this system.`, hint);
    }
    const params = configSchema(definition.fields).safeParse(fault.params);
    if (!params.success) {
      const [issue] = params.error.issues;
      const where = issue?.path.join('.') ?? '';
      throw new StudioError('BAD_FAULT', `${definition.label}, ${where}: ${issue?.message ?? 'not valid'}`);
    }
    return { ...fault, params: params.data, since: sinceOf(fault, former) ?? Date.now() };
  }

  #located(fault: FaultSpec): FaultSpec {
    const peers = peersOf(fault);
    if (!peers) return fault;
    const endpoints = this.#options
      .nodes()
      .filter(({ id }) => peers.includes(id))
      .flatMap((peer) => endpointsOf(peer, this.#options.view(peer.id)?.ports ?? {}));
    return { ...fault, scope: { ...fault.scope, endpoints } };
  }

  #become(faults: FaultSpec[]): void {
    this.#options.set(faults);
    this.refreshFrozen();
  }

  /** 'Loss (20 % loss) from CS1 to Monitor1' */
  #sentence(fault: FaultSpec): string {
    return `${titleOf(fault)} ${this.#placeOf(fault)}`;
  }

  #placeOf(fault: FaultSpec): string {
    const node = this.#options.node(fault.node).name;
    const peers = peersOf(fault);
    if (!peers) return `on ${node}`;
    const [first] = peers;
    const other = peers.length === 1 && first !== undefined ? this.#nameOf(first) : `${peers.length} nodes`;
    const { direction } = faultOf(fault.kind)?.bothWays ? {} : fault.scope;
    if (direction === 'out') return `from ${node} to ${other}`;
    if (direction === 'in') return `from ${other} to ${node}`;
    return `between ${node} and ${other}`;
  }

  #nameOf(id: string): string {
    return this.#options.nodes().find((node) => node.id === id)?.name ?? id;
  }

  /** What happens to either end of a link afterwards may follow from the fault. */
  #note(level: 'good' | 'warning', type: string, fault: FaultSpec, text: string): void {
    const node = this.#options.node(fault.node);
    const peers = this.#options.nodes().filter(({ id }) => peersOf(fault)?.includes(id));
    const aliases = [node, ...peers].flatMap((each) => [each.name, ...aliasesOf(each)]);
    this.#options.journal.add({
      level,
      type,
      text,
      node: node.id,
      subject: node.name,
      aliases,
      // What a fault does follows from its being set, and so does its end, from which more may follow.
      initiates: type !== 'fault-effect',
      continues: type === 'fault-healed',
    });
  }
}

/** Since when it has been set, unless its time begins with this change. What a panel says of a known one may be old. */
function sinceOf(fault: FaultSpec, former: FaultSpec | undefined): number | undefined {
  if (!former) return fault.since;
  const isSwitchedOn = fault.enabled && !former.enabled;
  return isSwitchedOn || !isDeepStrictEqual(fault.schedule, former.schedule) ? undefined : former.since;
}

/** The nodes that a fault is narrowed to; undefined when it is not. */
function peersOf({ scope }: FaultSpec): string[] | undefined {
  return scope.peer === undefined ? scope.peers : [scope.peer];
}
