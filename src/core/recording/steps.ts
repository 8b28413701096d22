/**
 * What can be recorded, in one place: every call of the panel has an entry here, and a new one does not compile
 * without. What only looks, what is about the panel itself, and what needs paths or uploads (files that are added)
 * is no part of a recording.
 */
import { z } from 'zod';
import { type CallName, type CallOutput, type CallParsed, callNames } from '../../contract/calls';
import { formatEndpoint } from '../../contract/endpoint';
import type { WorkspaceCommand } from '../../contract/workspace';
import { titleOf } from '../../faults/describe';
import { presets } from '../../faults/presets';
import { manifestOf } from '../../nodes/manifests';
import { isRecordedOperation } from './operations';

/** What has an id, which the core mostly chooses: nodes, downloads, faults, and batches of removed files. */
export const madeThings = ['node', 'transfer', 'fault', 'batch'] as const;
export type MadeThing = (typeof madeThings)[number];
/** Ids of what a call has made, in the order in which it made them. */
export type Made = Partial<Record<MadeThing, string[]>>;

/** Puts another id in the place of one, or only notes what is named. */
export type Rename = (what: MadeThing, id: string) => string;
export type NameOf = (what: MadeThing, id: string) => string;

export interface StepKind<Input = unknown, Output = unknown> {
  /** In a few words, as on a button: 'Kill CS1'. */
  words(input: Input, nameOf: NameOf): string;
  /** The input with each id in it renamed. Absent: there is none. */
  rename?(input: Input, rename: Rename): Input;
  /** Absent: all inputs are recorded. */
  isRecorded?(input: Input): boolean;
  made?(output: Output): Made;
  /** Whether it sets faults, which no output tells. */
  setsFaults?: true;
  /** Whether it is done to nodes that run: those that are being started are waited for. */
  needsRunning?: true;
  /** Why it has done nothing, though the call did not fail. */
  shortfall?(output: Output): string | undefined;
}

type StepKinds = { readonly [N in CallName]: StepKind<CallParsed<N>, CallOutput<N>> | null };

const onNodes = (verb: string, more: Pick<StepKind, 'setsFaults' | 'needsRunning'> = {}) => ({
  words: ({ ids }: { ids: string[] }, nameOf: NameOf) => `${verb} ${nodeList(ids, nameOf)}`,
  rename: (input: { ids: string[] }, rename: Rename) => ({ ids: input.ids.map((id) => rename('node', id)) }),
  ...more,
});

const onTransfer = <Input extends { id: string }>(verb: string, more: { needsRunning?: true } = {}) => ({
  words: ({ id }: Input, nameOf: NameOf) => `${verb} the download of ${nameOf('transfer', id)}`,
  rename: (input: Input, rename: Rename): Input => ({ ...input, id: rename('transfer', input.id) }),
  ...more,
});

const onFaults = (verb: string) => ({
  words: ({ ids }: { ids: string[] }) => `${verb} ${ids.length === 1 ? 'a fault' : `${ids.length} faults`}`,
  rename: (input: { ids: string[] }, rename: Rename) => ({ ids: input.ids.map((id) => rename('fault', id)) }),
});

const stepKinds: StepKinds = {
  'workspace.apply': {
    words: ({ command }, nameOf) => commandWords(command, nameOf),
    rename: ({ command }, rename) => ({ command: renamedCommand(command, rename) }),
    made: ({ ids }) => ({ node: ids }),
  },
  'workspace.undo': { words: () => 'Undo' },
  'workspace.redo': { words: () => 'Redo' },
  'workspace.sample': { words: () => 'Build the sample', made: ({ ids }) => ({ node: ids }) },

  'nodes.start': onNodes('Start'),
  'nodes.stop': onNodes('Stop'),
  'nodes.drain': onNodes('Drain'),
  'nodes.restart': onNodes('Restart'),
  'nodes.kill': onNodes('Kill'),
  'nodes.hang': onNodes('Hang', { setsFaults: true, needsRunning: true }),
  'nodes.resume': onNodes('Resume'),
  'nodes.operate': {
    words: ({ id, operation }, nameOf) => `Tell ${nameOf('node', id)} to ${operation}`,
    rename: (input, rename) => ({ ...input, id: rename('node', input.id) }),
    isRecorded: ({ operation }) => isRecordedOperation(operation),
    needsRunning: true,
  },

  'relays.insert': {
    words: ({ node, outside }, nameOf) =>
      `Put a relay between ${nameOf('node', node)} and ${formatEndpoint(outside)}`,
    rename: (input, rename) => ({ ...input, node: rename('node', input.node) }),
    made: ({ id }) => ({ node: [id] }),
  },
  'relays.remove': {
    words: ({ id }, nameOf) => `Take ${nameOf('node', id)} away`,
    rename: ({ id }, rename) => ({ id: rename('node', id) }),
  },

  'files.remove': {
    words: ({ node, names }, nameOf) => `Remove ${fileList(names)} from ${nameOf('node', node)}`,
    rename: (input, rename) => ({ ...input, node: rename('node', input.node) }),
    made: ({ batch }) => ({ batch: [batch] }),
    shortfall: ({ removed }) => (removed === 0 ? 'there is no such file.' : undefined),
  },
  'files.restore': {
    words: ({ node, files }, nameOf) =>
      `Put ${fileList(files.map(({ name }) => name))} back on ${nameOf('node', node)}`,
    rename: ({ node, files }, rename) => ({
      node: rename('node', node),
      files: files.map((file) => ({ ...file, batch: rename('batch', file.batch) })),
    }),
    shortfall: ({ restored, problems }) => (restored === 0 ? problems[0] : undefined),
  },

  'transfers.download': {
    words: ({ name }) => `Download ${name}`,
    rename: ({ client, ...input }, rename) =>
      client ? { ...input, client: rename('node', client) } : { ...input },
    made: ({ id }) => ({ transfer: [id] }),
    needsRunning: true,
  },
  'transfers.pause': onTransfer('Pause'),
  'transfers.resume': onTransfer('Resume', { needsRunning: true }),
  'transfers.cancel': onTransfer('Cancel'),
  'transfers.prioritise': onTransfer('Change the priority of'),
  'transfers.retry': onTransfer('Retry', { needsRunning: true }),

  'faults.set': {
    words: ({ faults }, nameOf) => {
      const [first] = faults;
      const node = first && nameOf('node', first.node);
      return faults.length === 1 && first
        ? `${first.enabled ? 'Set' : 'Switch off'} ${titleOf(first)} on ${node}`
        : `Set ${faults.length} faults`;
    },
    rename: ({ faults }, rename) => ({ faults: faults.map((fault) => renamedFault(fault, rename)) }),
    setsFaults: true,
  },
  'faults.preset': {
    words: ({ preset, ids }, nameOf) =>
      `Set “${presets.find(({ id }) => id === preset)?.label ?? preset}” on ${nodeList(ids, nameOf)}`,
    rename: ({ ids, preset }, rename) => ({ preset, ids: ids.map((id) => rename('node', id)) }),
    setsFaults: true,
  },
  'faults.order': onFaults('Reorder'),
  'faults.remove': onFaults('Heal'),
  'faults.healAll': { words: () => 'Heal all faults' },

  // They look.
  'studio.snapshot': null,
  'studio.watch': null,
  'workspace.list': null,
  'ports.check': null,
  'files.list': null,
  'files.removed': null,
  'catalogue.list': null,
  'logs.list': null,
  'messages.list': null,
  // Another workspace has recordings of its own: opening one ends the recording.
  'workspace.open': null,
  'workspace.create': null,
  // Bytes and paths that another time or machine does not have.
  'files.import': null,
  'files.prepareUpload': null,
  // Nothing brings back what these delete: only a person may do so, each time.
  'files.emptyTrash': null,
  'recordings.remove': null,
  // Lists are tidied, or work that no call has named is cancelled.
  'transfers.clear': null,
  'tasks.cancel': null,
  'tasks.clear': null,
  // They are about this panel and this machine.
  'transfers.saveAs': null,
  'settings.set': null,
  'shell.reveal': null,
  'shell.choose': null,
  'recordings.start': null,
  'recordings.stop': null,
  'recordings.list': null,
  'recordings.replay': null,
  'recordings.rename': null,
  'recordings.read': null,
};

/** How a call is recorded and replayed; null when it is no part of a recording. */
export function stepKindOf(call: CallName): StepKind | null {
  return stepKinds[call] as StepKind | null;
}

export function isRecordedCall(call: string): call is CallName {
  return (callNames as string[]).includes(call) && stepKinds[call as CallName] !== null;
}

/** The ids that an input names. */
export function namedIn(call: CallName, input: unknown): { what: MadeThing; id: string }[] {
  const named: { what: MadeThing; id: string }[] = [];
  stepKindOf(call)?.rename?.(input, (what, id) => {
    named.push({ what, id });
    return id;
  });
  return named;
}

function commandWords(command: WorkspaceCommand, nameOf: NameOf): string {
  const name = (id: string): string => nameOf('node', id);
  switch (command.type) {
    case 'add-node':
      return `Add ${manifestOf(command.kind)?.label.toLowerCase() ?? command.kind}`;
    case 'remove-nodes':
      return `Delete ${nodeList(command.ids, nameOf)}`;
    case 'duplicate-nodes':
      return `Duplicate ${nodeList(command.ids, nameOf)}`;
    case 'move-nodes':
      return `Move ${nodeList(Object.keys(command.positions), nameOf)}`;
    case 'rename-node':
      return `Rename ${name(command.id)} to ${command.name}`;
    case 'configure-node':
      return `Change the settings of ${name(command.id)}`;
    case 'rename-workspace':
      return `Rename the workspace to ${command.name}`;
    case 'set-start-on-open':
      return command.startOnOpen ? 'Start all when opened' : 'Start nothing when opened';
  }
}

function renamedCommand(command: WorkspaceCommand, rename: Rename): WorkspaceCommand {
  const node = (id: string): string => rename('node', id);
  switch (command.type) {
    case 'add-node':
      return command.config ? { ...command, config: renamedLinks(command.config, node) } : command;
    case 'remove-nodes':
    case 'duplicate-nodes':
      return { ...command, ids: command.ids.map(node) };
    case 'move-nodes': {
      const positions = Object.entries(command.positions).map(([id, position]) => [node(id), position]);
      return { ...command, positions: Object.fromEntries(positions) };
    }
    case 'rename-node':
      return { ...command, id: node(command.id) };
    case 'configure-node':
      return { ...command, id: node(command.id), config: renamedLinks(command.config, node) };
    case 'rename-workspace':
    case 'set-start-on-open':
      return command;
  }
}

/** A link to a node has this form in every kind's configuration, and nothing else has; see `linkValueSchema`. */
const linkSchema = z.strictObject({ node: z.string() });

function renamedLinks(
  config: Record<string, unknown>,
  node: (id: string) => string,
): Record<string, unknown> {
  const renamed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renamed);
    const link = linkSchema.safeParse(value);
    return link.success ? { node: node(link.data.node) } : value;
  };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, renamed(value)]));
}

type Fault = CallParsed<'faults.set'>['faults'][number];

/** Its time begins when it is set again, not when it was recorded: `since` is left to the core. */
function renamedFault({ since: _, ...fault }: Fault, rename: Rename): Fault {
  const { peer, peers, ...scope } = fault.scope;
  return {
    ...fault,
    id: rename('fault', fault.id),
    node: rename('node', fault.node),
    scope: {
      ...scope,
      ...(peer === undefined ? {} : { peer: rename('node', peer) }),
      ...(peers === undefined ? {} : { peers: peers.map((id) => rename('node', id)) }),
    },
  };
}

/** 'CS1, CS2', and of more than three only how many. */
export function nodeList(ids: readonly string[], nameOf: NameOf): string {
  return ids.length > 3 ? `${ids.length} nodes` : ids.map((id) => nameOf('node', id)).join(', ');
}

function fileList(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `${names.length} files`;
}
