/** All nodes of the workspace: started in order, told what they need to know, and ended. */
import { StudioError } from '../../contract/errors';
import type { NodeView } from '../../contract/events';
import type { NodeSpec, Workspace } from '../../contract/workspace';
import type { Tasks } from '../tasks';
import { knownManifest } from '../workspace/document';
import { AddressBook } from './address-book';
import { DrainTurns } from './drain-turns';
import type { PortUse } from './ports';
import { nodePorts, type ResolveContext, resolveConfig } from './resolve-config';
import { explainStartFailure } from './start-failure';
import { startTogether } from './start-task';
import { type NodeSurroundings, SupervisedNode } from './supervised-node';

export interface SupervisorOptions
  extends Omit<NodeSurroundings, 'resolve' | 'predecessorGone' | 'explain' | 'onPortsChanged'> {
  tasks: Tasks;
  folder: ResolveContext['folder'];
  /** A node has bound its ports, or lost them. */
  onPortsChanged(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #surroundings: NodeSurroundings;
  readonly #nodes = new Map<string, SupervisedNode>();
  /** Deleted nodes whose processes are still on their way out. */
  readonly #leaving = new Set<SupervisedNode>();
  readonly #drainTurns = new DrainTurns();
  #addresses: AddressBook | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#surroundings = {
      ...options,
      resolve: (node) => this.#resolve(node),
      predecessorGone: (id) => this.#predecessorGone(id),
      explain: (reason, node) => explainStartFailure(reason, node, this.portUses()),
      onPortsChanged: () => this.#portsChanged(),
    };
  }

  /** Follows the document: new nodes appear stopped, deleted ones are stopped and leave. */
  sync(document: Workspace): void {
    const present = new Set(document.nodes.map(({ id }) => id));
    for (const id of [...this.#nodes.keys()]) if (!present.has(id)) this.#remove(id);
    for (const spec of document.nodes) {
      const node = this.#nodes.get(spec.id);
      if (node) node.follow(spec);
      else this.#nodes.set(spec.id, new SupervisedNode(spec, this.#surroundings));
    }
    this.#addresses = undefined;
    for (const node of this.#nodes.values()) node.refreshOutdated();
  }

  views(): NodeView[] {
    return [...this.#nodes.values()].map((node) => node.view);
  }

  /** @throws StudioError of code 'UNKNOWN_NODE' */
  view(id: string): NodeView {
    return this.#node(id).view;
  }

  viewIfKnown(id: string): NodeView | undefined {
    return this.#nodes.get(id)?.view;
  }

  /** @throws StudioError of code 'UNKNOWN_NODE' */
  spec(id: string): NodeSpec {
    return this.#node(id).spec;
  }

  /** Who listens where now; what crashed is still meant by whoever goes on dialling it. */
  get addresses(): AddressBook {
    if (!this.#addresses) {
      const nodes = [...this.#nodes.values()];
      const crashed = nodes.filter(({ view }) => view.phase === 'crashed');
      const lost = crashed.map(({ spec }) => ({
        node: spec,
        ports: Object.fromEntries(nodePorts(spec).map(({ name, port }) => [name, port])),
      }));
      // Of two at one address, the later counts.
      const present = nodes.map(({ spec, view }) => ({ node: spec, ports: view.ports }));
      this.#addresses = new AddressBook([...lost, ...present]);
    }
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
    const nodes = this.#all(ids).filter(({ view }) => view.phase !== 'running');
    this.#drainTurns.forget(this.#all(ids));
    for (const node of nodes) node.want();
    await startTogether(nodes, this.#options, (node) => node.start());
  }

  async restart(ids: readonly string[]): Promise<void> {
    const nodes = this.#all(ids);
    this.#drainTurns.forget(nodes);
    for (const node of nodes) node.stopForRestart();
    await startTogether(nodes, this.#options, (node) => node.restart());
  }

  /** Resolves when all are gone; each has its deadline. What has not begun to start does not. */
  stop(ids: readonly string[]): Promise<void> {
    return this.#end(this.#all(ids), (node) => node.stop());
  }

  /** Replica balancers before their replicas, those before their clients: see `DrainTurns`. */
  drain(ids: readonly string[]): Promise<void> {
    return this.#drainTurns.drain(this.#all(ids));
  }

  kill(ids: readonly string[]): Promise<void> {
    return this.#end(this.#all(ids), (node) => node.kill());
  }

  /** @throws StudioError of code 'NODE_NOT_RUNNING', or what the node answers */
  async operate(id: string, ...args: Parameters<SupervisedNode['operate']>): Promise<unknown> {
    return this.#node(id).operate(...args);
  }

  /** What the panels look at has changed. */
  refreshWatch(): void {
    for (const node of this.#nodes.values()) node.refreshWatch();
  }

  /** The faults, or the addresses that they act on, have changed. */
  refreshFaults(): void {
    for (const node of this.#nodes.values()) node.refreshFaults();
  }

  /** Ends every process: first asked, and killed at its deadline. Resolves when none is left. */
  close(): Promise<void> {
    return this.#end([...this.#nodes.values(), ...this.#leaving], (node) => node.stop());
  }

  /** Ends every process now. */
  killAll(): Promise<void> {
    return this.#end([...this.#nodes.values(), ...this.#leaving], (node) => node.kill());
  }

  /** Ends every process and forgets every node, to open another workspace. */
  async clear(): Promise<void> {
    await this.close();
    for (const id of [...this.#nodes.keys()]) this.#remove(id);
  }

  #resolve(spec: NodeSpec): Record<string, unknown> {
    return resolveConfig(spec, knownManifest(spec.kind), {
      node: (id) => this.#nodes.get(id)?.spec,
      boundPorts: (id) => this.#nodes.get(id)?.view.ports ?? {},
      folder: this.#options.folder,
    });
  }

  async #predecessorGone(id: string): Promise<void> {
    await Promise.all([...this.#leaving].filter(({ spec }) => spec.id === id).map(({ ended }) => ended));
  }

  #portsChanged(): void {
    this.#addresses = undefined;
    for (const node of this.#nodes.values()) node.refreshOutdated();
    this.#options.onPortsChanged();
  }

  #remove(id: string): void {
    const node = this.#node(id);
    this.#nodes.delete(id);
    this.#drainTurns.forget([node]);
    node.remove();
    if (node.alive) {
      this.#leaving.add(node);
      void node.ended.then(() => this.#leaving.delete(node));
    }
    this.#options.hub.push({ type: 'node-removed', id });
    this.#portsChanged();
  }

  async #end(nodes: readonly SupervisedNode[], end: (node: SupervisedNode) => void): Promise<void> {
    this.#drainTurns.forget(nodes);
    for (const node of nodes) end(node);
    await Promise.all(nodes.map(({ ended }) => ended));
  }

  #all(ids: readonly string[]): SupervisedNode[] {
    return ids.map((id) => this.#node(id));
  }

  #node(id: string): SupervisedNode {
    const node = this.#nodes.get(id);
    if (!node) throw new StudioError('UNKNOWN_NODE', `There is no node "${id}" in this workspace.`);
    return node;
  }
}
