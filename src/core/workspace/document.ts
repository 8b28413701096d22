/** The workspace document and its edits, as pure functions from one document to the next. */

import { StudioError } from '../../contract/errors';
import type { FaultSpec } from '../../contract/fault';
import type { Field, LinkField, LinksField, LinkValue } from '../../contract/fields';
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec, Workspace, WorkspaceCommand } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { changedConfig } from './node-config';

/**
 * What changes a document: the person's commands, where new nodes are already complete (`planning.ts` chooses
 * their names, ports and places, for which it must look at the machine).
 */
export type Edit =
  | Exclude<WorkspaceCommand, { type: 'add-node' } | { type: 'duplicate-nodes' }>
  | { type: 'insert-nodes'; nodes: NodeSpec[]; label?: string }
  /** `config`: what changes at the node whose link is led over the relay. */
  | { type: 'insert-relay'; relay: NodeSpec; node: string; config: Record<string, unknown> };

export function emptyWorkspace(name: string): Workspace {
  return {
    format: 'micro-cdn-studio',
    version: 1,
    name,
    nodes: [],
    faults: [],
    startOnOpen: false,
  };
}

/** @throws StudioError when the edit does not fit the document; the document stays as it was */
export function applyEdit(document: Workspace, edit: Edit): Workspace {
  switch (edit.type) {
    case 'insert-nodes':
      return edit.nodes.reduce(insertNode, document);
    case 'insert-relay':
      return configureNode(insertNode(document, edit.relay), edit.node, edit.config);
    case 'remove-nodes':
      return removeNodes(document, edit.ids);
    case 'move-nodes':
      return changeNodes(document, Object.keys(edit.positions), (node) => ({
        ...node,
        position: edit.positions[node.id] ?? node.position,
      }));
    case 'rename-node':
      refuseTakenName(document, edit.name, edit.id);
      return changeNodes(document, [edit.id], (node) => ({ ...node, name: edit.name }));
    case 'configure-node':
      return configureNode(document, edit.id, edit.config);
    case 'rename-workspace':
      return { ...document, name: edit.name };
    case 'set-start-on-open':
      return { ...document, startOnOpen: edit.startOnOpen };
  }
}

/** What undo would undo, in a few words: 'add CS3'. `document` is the one before the edit. */
export function describeEdit(document: Workspace, edit: Edit): string {
  switch (edit.type) {
    case 'insert-nodes':
      return edit.label ?? `add ${nameList(edit.nodes)}`;
    case 'insert-relay':
      return `put ${edit.relay.name} on a link of ${nodeOf(document, edit.node).name}`;
    case 'remove-nodes':
      return `delete ${nameList(document.nodes.filter((node) => edit.ids.includes(node.id)))}`;
    case 'move-nodes':
      return `move ${nameList(document.nodes.filter((node) => node.id in edit.positions))}`;
    case 'rename-node':
      return `rename ${nodeOf(document, edit.id).name} to ${edit.name}`;
    case 'configure-node':
      return `change ${nodeOf(document, edit.id).name}`;
    case 'rename-workspace':
      return 'rename the workspace';
    case 'set-start-on-open':
      return edit.startOnOpen ? 'start on open' : 'no start on open';
  }
}

/** Edits of the same series, in quick succession, are undone together; undefined for one that stands alone. */
export function seriesOf(edit: Edit): string | undefined {
  return edit.type === 'move-nodes' ? `move ${Object.keys(edit.positions).sort().join(' ')}` : undefined;
}

/** @throws StudioError of code 'UNKNOWN_NODE' */
export function nodeOf(document: Workspace, id: string): NodeSpec {
  const node = document.nodes.find((candidate) => candidate.id === id);
  if (!node)
    throw new StudioError(
      'UNKNOWN_NODE',
      `There is no node "${id}" in this workspace.`,
      'It may have been deleted; undo brings it back.',
    );
  return node;
}

/**
 * Goes back (or forward) to `target` without touching what is not an edit: faults are set and healed live, so
 * they stay as they are now. A node that returns brings its own, and those of others that narrow to it; one that
 * leaves takes them along.
 */
export function restore(target: Workspace, current: Workspace): Workspace {
  const inTarget = new Set(target.nodes.map((node) => node.id));
  const inCurrent = new Set(current.nodes.map((node) => node.id));
  const returns = (id: string): boolean => inTarget.has(id) && !inCurrent.has(id);
  const leaves = (id: string): boolean => inCurrent.has(id) && !inTarget.has(id);
  const now = new Map(current.faults.map((fault) => [fault.id, fault]));
  const kept = target.faults.flatMap(
    (fault) => now.get(fault.id) ?? (endsOf(fault).some(returns) ? fault : []),
  );
  const keptIds = new Set(kept.map((fault) => fault.id));
  const added = current.faults.filter((fault) => !keptIds.has(fault.id));
  return { ...target, faults: [...kept, ...added].filter((fault) => !endsOf(fault).some(leaves)) };
}

/** The nodes without which a fault has no meaning. */
function endsOf({ node, scope }: FaultSpec): string[] {
  return scope.peer === undefined ? [node] : [node, scope.peer];
}

/** Adds a node, and links to it those that were waiting for one of its kind. */
function insertNode(document: Workspace, node: NodeSpec): Workspace {
  if (document.nodes.some((other) => other.id === node.id))
    throw new StudioError('ID_TAKEN', `There is a node with the id "${node.id}" already.`);
  refuseTakenName(document, node.name);
  const nodes = document.nodes.map((other) => linkTo(document, other, node));
  return { ...document, nodes: [...nodes, node] };
}

function linkTo(document: Workspace, node: NodeSpec, added: NodeSpec): NodeSpec {
  // Within one kind (a ring) a link has a direction that only the newer node knows.
  if (node.kind === added.kind) return node;
  const manifest = manifestOf(node.kind);
  if (!manifest) return node;
  const config = { ...node.config };
  let changed = false;
  for (const [key, field] of Object.entries(manifest.fields)) {
    if (!linksByItself(field, added.kind)) continue;
    if (field.control === 'link' && (config[key] ?? null) === null) {
      config[key] = { node: added.id };
      changed = true;
    } else if (field.control === 'links' && holdsAll(document, field.to, config[key])) {
      config[key] = [...((config[key] as LinkValue[] | undefined) ?? []), { node: added.id }];
      changed = true;
    }
  }
  return changed ? { ...node, config } : node;
}

/** A list that names every node there is grows with the workspace; one that was chosen by hand does not. */
function holdsAll(document: Workspace, kinds: readonly string[], value: unknown): boolean {
  const linked = new Set(
    ((value as LinkValue[] | undefined) ?? []).map((link) => (link && 'node' in link ? link.node : '')),
  );
  return document.nodes.every((node) => !kinds.includes(node.kind) || linked.has(node.id));
}

/** Whether nodes of this kind are linked to without being asked. */
export function linksByItself(field: Field, kind: string): boolean {
  return linksTo(field, kind) && !(field.control === 'links' && field.byHand);
}

export function linksTo(field: Field, kind: string): boolean {
  return (field.control === 'link' || field.control === 'links') && field.to.includes(kind);
}

function removeNodes(document: Workspace, ids: readonly string[]): Workspace {
  for (const id of ids) nodeOf(document, id);
  const gone = new Map(document.nodes.filter(({ id }) => ids.includes(id)).map((node) => [node.id, node]));
  return {
    ...document,
    nodes: document.nodes.filter((node) => !gone.has(node.id)).map((node) => unlink(node, gone)),
    faults: document.faults.filter((fault) => !endsOf(fault).some((id) => gone.has(id))),
  };
}

/** Links to nodes that are gone lead nowhere; those over a relay lead to where it led. */
function unlink(node: NodeSpec, gone: ReadonlyMap<string, NodeSpec>): NodeSpec {
  const leadsToGone = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && 'node' in value && gone.has(String(value.node));
  const behind = (value: unknown, { transport }: LinkField | LinksField): unknown => {
    let link = value;
    // As often as there are relays, and no more: they may lead to each other in a circle.
    for (let left = gone.size; left > 0 && leadsToGone(link); left--)
      link = targetOf(gone.get((link as { node: string }).node), transport);
    return leadsToGone(link) ? null : link;
  };
  const fields = manifestOf(node.kind)?.fields ?? {};
  const config = { ...node.config };
  let changed = false;
  for (const [key, field] of Object.entries(fields)) {
    const value = config[key];
    if (field.control === 'link' && leadsToGone(value)) {
      config[key] = behind(value, field);
      changed = true;
    } else if (field.control === 'links' && Array.isArray(value) && value.some(leadsToGone)) {
      config[key] = value.map((link) => behind(link, field)).filter((link) => link !== null);
      changed = true;
    }
  }
  return changed ? { ...node, config } : node;
}

/** Where a node that stands in the way of others leads; null for any other. */
function targetOf(node: NodeSpec | undefined, transport: 'tcp' | 'udp'): LinkValue {
  const manifest = node && manifestOf(node.kind);
  if (!node || !manifest?.standsIn) return null;
  const [key] =
    Object.entries(manifest.fields).find(
      ([, field]) => field.control === 'link' && field.transport === transport,
    ) ?? [];
  return ((key !== undefined && node.config[key]) || null) as LinkValue;
}

function configureNode(document: Workspace, id: string, config: Record<string, unknown>): Workspace {
  return changeNodes(document, [id], (node) => ({
    ...node,
    config: changedConfig(document, node, config),
  }));
}

function changeNodes(
  document: Workspace,
  ids: readonly string[],
  change: (node: NodeSpec) => NodeSpec,
): Workspace {
  for (const id of ids) nodeOf(document, id);
  const changing = new Set(ids);
  return { ...document, nodes: document.nodes.map((node) => (changing.has(node.id) ? change(node) : node)) };
}

function refuseTakenName(document: Workspace, name: string, except?: string): void {
  const wanted = name.toLowerCase();
  if (document.nodes.some((node) => node.id !== except && node.name.toLowerCase() === wanted))
    throw new StudioError('NAME_TAKEN', `Another node is called "${name}".`, 'Choose another name.');
}

function nameList(nodes: readonly NodeSpec[]): string {
  const [first] = nodes;
  return nodes.length === 1 && first ? first.name : `${nodes.length} nodes`;
}

/** A kind's manifest. @throws StudioError of code 'UNKNOWN_KIND' */
export function knownManifest(kind: string): NodeManifest {
  const manifest = manifestOf(kind);
  if (!manifest)
    throw new StudioError(
      'UNKNOWN_KIND',
      `This version of the studio does not know the node kind "${kind}".`,
      'Open the workspace with the version that made it. The node is kept as it is.',
    );
  return manifest;
}
