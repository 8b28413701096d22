/** The faults that are set: kept with the workspace, told to the nodes in whose processes they act. */
import { StudioError } from '../contract/errors';
import type { FaultSpec } from '../contract/fault';
import type { NodeSpec } from '../contract/workspace';
import type { EventHub } from './events/event-hub';
import type { Journal } from './journal/journal';
import { configuredPorts, endpointOf } from './supervisor/resolve-config';

/** The fault of a node that keeps its sockets and answers nothing. */
const HANG = 'hang';

export interface FaultsOptions {
  hub: EventHub;
  journal: Journal;
  node(id: string): NodeSpec;
  /** Ports that the node has bound; empty while it is not running. */
  boundPorts(id: string): Record<string, number>;
  get(): FaultSpec[];
  /** Saves the list with the workspace, and tells the nodes. */
  set(faults: FaultSpec[]): void;
}

export class Faults {
  readonly #options: FaultsOptions;

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  list(): FaultSpec[] {
    return this.#options.get();
  }

  /** Adds a fault at the end of the chain, or changes the one with this id in its place. */
  set(fault: FaultSpec): void {
    const node = this.#options.node(fault.node);
    const faults = this.list();
    const known = faults.some(({ id }) => id === fault.id);
    this.#become(known ? faults.map((each) => (each.id === fault.id ? fault : each)) : [...faults, fault]);
    if (!known) this.#note('warning', 'fault-set', `A fault was set on ${node.name}: ${fault.kind}.`, node);
  }

  remove(ids: readonly string[]): void {
    const gone = this.list().filter((fault) => ids.includes(fault.id));
    if (gone.length === 0) return;
    this.#become(this.list().filter((fault) => !ids.includes(fault.id)));
    for (const fault of gone) {
      const node = this.#options.node(fault.node);
      this.#note('good', 'fault-healed', `${fault.kind} on ${node.name} was healed.`, node);
    }
  }

  healAll(): void {
    this.remove(this.list().map(({ id }) => id));
  }

  hang(id: string): void {
    const node = this.#options.node(id);
    if (Object.keys(this.#options.boundPorts(id)).length === 0)
      throw new StudioError('NODE_NOT_RUNNING', `${node.name} is not running.`, 'Start it first.');
    this.set({ id: `${HANG}-${id}`, kind: HANG, node: id, scope: {}, params: {}, enabled: true });
  }

  resume(id: string): void {
    this.remove([`${HANG}-${id}`]);
  }

  /** A process that ends takes its hang with it: the next one is healthy. */
  nodeEnded(id: string): void {
    const hang = `${HANG}-${id}`;
    if (this.list().some((fault) => fault.id === hang))
      this.#become(this.list().filter((fault) => fault.id !== hang));
  }

  /** The chain for one node's process, with the addresses of the peers filled in. */
  of(node: NodeSpec): FaultSpec[] {
    return this.list()
      .filter((fault) => fault.node === node.id && fault.enabled)
      .map((fault) => this.#located(fault));
  }

  #located(fault: FaultSpec): FaultSpec {
    const { peer } = fault.scope;
    if (peer === undefined) return fault;
    const node = this.#options.node(peer);
    const bound = this.#options.boundPorts(peer);
    const endpoints = configuredPorts(node).flatMap(({ name }) => endpointOf(node, name, bound) ?? []);
    return { ...fault, scope: { ...fault.scope, endpoints } };
  }

  #become(faults: FaultSpec[]): void {
    this.#options.set(faults);
    this.#options.hub.push({ type: 'faults', faults });
  }

  #note(level: 'good' | 'warning', type: string, text: string, node: NodeSpec): void {
    this.#options.journal.add({ level, type, text, node: node.id, subject: node.name });
  }
}
