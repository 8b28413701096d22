/**
 * What the panel knows of the studio, and the one pure function that changes it. Nothing here reads a clock:
 * the time is part of each action, so a recorded list of actions always gives the same state.
 */
import type {
  EventBatch,
  FlowView,
  JournalEntry,
  LogLine,
  NodeView,
  Notice,
  ShellInfo,
  Snapshot,
  StudioEvent,
  TaskView,
  TransferView,
  WireMessage,
  WorkspaceView,
} from '../contract/events';
import type { FaultSpec } from '../contract/fault';
import type { HopSample } from '../contract/node-port';
import type { RecorderView } from '../contract/recording';
import type { Settings } from '../contract/settings';
import type { NodeSpec } from '../contract/workspace';

export const limits = {
  journal: 5000,
  logsPerNode: 2000,
  messages: 2000,
  notices: 20,
  /** Points of a node's activity, one a second. */
  activity: 40,
  /** A flow without a sample for so long, and with nothing open, is forgotten. */
  flowMs: 4000,
  /** A flow whose connection is open stays, but says nothing about its present rate after so long. */
  flowRateMs: 1500,
  /** Of one flow: they are drawn as they come. */
  hops: 64,
} as const;

/** Traffic from one node to another: totals since it appeared, and the rates of the newest sample. */
export interface Flow {
  key: string;
  from: string;
  to: string;
  role: string;
  transport: 'tcp' | 'udp';
  open: number;
  /** Connections or datagrams, in all. */
  opened: number;
  /** Bytes per second, as opened: from → to, and back. */
  sentRate: number;
  receivedRate: number;
  sentBytes: number;
  receivedBytes: number;
  /** When the newest sample came. */
  at: number;
  /** Messages passed on from node to node, in all, and the newest of them. */
  passed: number;
  hops: readonly HopSample[];
}

export interface StudioState {
  seq: number;
  shell: ShellInfo;
  workspace: WorkspaceView;
  /** Positions, names and configurations by id: the document's nodes, for look-ups. */
  specs: ReadonlyMap<string, NodeSpec>;
  nodes: ReadonlyMap<string, NodeView>;
  /** By start, oldest first. */
  transfers: ReadonlyMap<string, TransferView>;
  tasks: ReadonlyMap<string, TaskView>;
  /** In order of `seq`. */
  journal: readonly JournalEntry[];
  logs: ReadonlyMap<string, readonly LogLine[]>;
  messages: readonly WireMessage[];
  flows: ReadonlyMap<string, Flow>;
  /** Bytes per second through each node, newest last. */
  activity: ReadonlyMap<string, readonly number[]>;
  /** Rises with each change of a node's files. */
  filesVersion: ReadonlyMap<string, number>;
  /** Rises with any change of files or of what the indexes know. */
  catalogueVersion: number;
  notices: readonly Notice[];
  settings: Settings;
  faults: readonly FaultSpec[];
  recorder: RecorderView;
  /** Nodes whose process is alive and answers nothing, and since when, in Unix ms. */
  hung: ReadonlyMap<string, number>;
  /** Bytes through each node since the last tick. */
  tally: ReadonlyMap<string, number>;
}

export type StudioAction =
  | { type: 'snapshot'; snapshot: Snapshot; now: number }
  | { type: 'batches'; batches: readonly EventBatch[]; now: number }
  /** Once a second: closes the second of `activity` and forgets flows that ended. */
  | { type: 'tick'; now: number }
  /** Older lines asked for by a call, put before those that came as events. */
  | { type: 'history'; logs?: { node: string; lines: LogLine[] }; messages?: WireMessage[] };

/** The state before the first snapshot is null. */
export function reduce(state: StudioState | null, action: StudioAction): StudioState | null {
  if (action.type === 'snapshot') return fromSnapshot(state, action.snapshot);
  if (!state) return null;
  switch (action.type) {
    case 'batches':
      return applyBatches(state, action.batches, action.now);
    case 'tick':
      return tick(state, action.now);
    case 'history':
      return mergeHistory(state, action);
  }
}

function fromSnapshot(former: StudioState | null, snapshot: Snapshot): StudioState {
  const sameWorkspace = former?.workspace.path === snapshot.workspace.path;
  return {
    seq: snapshot.seq,
    shell: snapshot.shell,
    workspace: snapshot.workspace,
    specs: specsOf(snapshot.workspace),
    nodes: new Map(snapshot.nodes.map((node) => [node.id, node])),
    transfers: new Map(snapshot.transfers.map((transfer) => [transfer.id, transfer])),
    tasks: new Map(snapshot.tasks.map((task) => [task.id, task])),
    journal: snapshot.journal.slice(-limits.journal),
    logs: sameWorkspace ? former.logs : new Map(),
    messages: sameWorkspace ? former.messages : [],
    flows: new Map(),
    activity: sameWorkspace ? former.activity : new Map(),
    // Files may have changed while nobody listened.
    filesVersion: new Map(snapshot.nodes.map(({ id }) => [id, (former?.filesVersion.get(id) ?? 0) + 1])),
    catalogueVersion: (former?.catalogueVersion ?? 0) + 1,
    notices: former?.notices ?? [],
    settings: snapshot.settings,
    faults: snapshot.faults,
    recorder: snapshot.recorder,
    hung: hungNodes(snapshot.faults),
    tally: new Map(),
  };
}

function specsOf(workspace: WorkspaceView): ReadonlyMap<string, NodeSpec> {
  return new Map(workspace.document.nodes.map((spec) => [spec.id, spec]));
}

type MapKeys = { [K in keyof StudioState]: StudioState[K] extends ReadonlyMap<string, infer _> ? K : never };
type MapKey = MapKeys[keyof StudioState];
type MapValue<K extends MapKey> = StudioState[K] extends ReadonlyMap<string, infer V> ? V : never;

/** A state being built: each map is copied at most once, however many events touch it. */
class Draft {
  readonly state: StudioState;
  readonly #copied = new Set<MapKey>();

  constructor(from: StudioState) {
    this.state = { ...from };
  }

  map<K extends MapKey>(key: K): Map<string, MapValue<K>> {
    const { state } = this;
    if (!this.#copied.has(key)) {
      this.#copied.add(key);
      (state as unknown as Record<string, unknown>)[key] = new Map(
        state[key] as ReadonlyMap<string, unknown>,
      );
    }
    return state[key] as unknown as Map<string, MapValue<K>>;
  }
}

function applyBatches(state: StudioState, batches: readonly EventBatch[], now: number): StudioState {
  const draft = new Draft(state);
  for (const batch of batches) {
    if (batch.seq <= draft.state.seq) continue;
    draft.state.seq = batch.seq;
    for (const event of batch.events) applyEvent(draft, event, now);
  }
  return draft.state;
}

function applyEvent(draft: Draft, event: StudioEvent, now: number): void {
  const { state } = draft;
  switch (event.type) {
    case 'workspace':
      if (event.workspace.path !== state.workspace.path) forgetWorkspace(draft);
      state.workspace = event.workspace;
      state.specs = specsOf(event.workspace);
      return;
    case 'node':
      draft.map('nodes').set(event.node.id, event.node);
      return;
    case 'node-removed':
      for (const key of ['nodes', 'logs', 'activity', 'filesVersion', 'tally'] as const)
        draft.map(key).delete(event.id);
      state.catalogueVersion += 1;
      return;
    case 'transfer':
      draft.map('transfers').set(event.transfer.id, event.transfer);
      return;
    case 'transfer-removed':
      draft.map('transfers').delete(event.id);
      return;
    case 'task':
      draft.map('tasks').set(event.task.id, event.task);
      return;
    case 'task-removed':
      draft.map('tasks').delete(event.id);
      return;
    case 'journal':
      state.journal = appended(state.journal, event.entries, limits.journal);
      return;
    case 'flows':
      for (const flow of event.flows) addFlow(draft, flow, now);
      return;
    case 'logs':
      for (const node of new Set(event.lines.map((line) => line.node))) {
        const logs = draft.map('logs');
        const lines = event.lines.filter((line) => line.node === node);
        logs.set(node, appended(logs.get(node) ?? [], lines, limits.logsPerNode));
      }
      return;
    case 'messages':
      state.messages = appended(state.messages, event.messages, limits.messages);
      return;
    case 'files-changed': {
      const versions = draft.map('filesVersion');
      versions.set(event.node, (versions.get(event.node) ?? 0) + 1);
      state.catalogueVersion += 1;
      return;
    }
    case 'notice':
      state.notices = [...state.notices, event.notice].slice(-limits.notices);
      return;
    case 'settings':
      state.settings = event.settings;
      return;
    case 'faults':
      state.faults = event.faults;
      state.hung = hungNodes(event.faults);
      return;
    case 'recorder':
      state.recorder = event.recorder;
      return;
  }
}

/** Another workspace was opened: what belonged to the former one goes, in case its events are not all sent. */
function forgetWorkspace(draft: Draft): void {
  for (const key of ['flows', 'logs', 'activity', 'tally', 'filesVersion'] as const) draft.map(key).clear();
  draft.state.messages = [];
  draft.state.catalogueVersion += 1;
}

/** The new items behind the old ones. Items that are already there (by `seq`) are left out. */
function appended<T extends { seq: number }>(
  old: readonly T[],
  fresh: readonly T[],
  limit: number,
): readonly T[] {
  const last = old.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  const added = fresh.filter((item) => item.seq > last);
  if (added.length === 0) return old;
  return [...old, ...added].slice(-limit);
}

export function flowKey(flow: Pick<FlowView, 'from' | 'to' | 'role' | 'transport'>): string {
  return `${flow.from} ${flow.to} ${flow.role} ${flow.transport}`;
}

function addFlow(draft: Draft, sample: FlowView, now: number): void {
  const flows = draft.map('flows');
  const key = flowKey(sample);
  const former = flows.get(key);
  const seconds = Math.max(sample.overMs, 1) / 1000;
  flows.set(key, {
    key,
    from: sample.from,
    to: sample.to,
    role: sample.role,
    transport: sample.transport,
    open: sample.open,
    opened: (former?.opened ?? 0) + sample.opened,
    sentRate: sample.sentBytes / seconds,
    receivedRate: sample.receivedBytes / seconds,
    sentBytes: (former?.sentBytes ?? 0) + sample.sentBytes,
    receivedBytes: (former?.receivedBytes ?? 0) + sample.receivedBytes,
    at: now,
    passed: (former?.passed ?? 0) + (sample.hops?.length ?? 0),
    hops: sample.hops ? [...(former?.hops ?? []), ...sample.hops].slice(-limits.hops) : (former?.hops ?? []),
  });
  const bytes = sample.sentBytes + sample.receivedBytes;
  if (bytes === 0) return;
  const tally = draft.map('tally');
  for (const id of [sample.from, sample.to]) tally.set(id, (tally.get(id) ?? 0) + bytes);
}

function tick(state: StudioState, now: number): StudioState {
  const draft = new Draft(state);
  for (const flow of state.flows.values()) {
    if (flow.open === 0 && now - flow.at > limits.flowMs) draft.map('flows').delete(flow.key);
    else if (now - flow.at > limits.flowRateMs && flow.sentRate + flow.receivedRate > 0)
      draft.map('flows').set(flow.key, { ...flow, sentRate: 0, receivedRate: 0 });
  }
  for (const id of state.nodes.keys()) {
    const bytes = state.tally.get(id) ?? 0;
    const past = state.activity.get(id);
    // A node without traffic keeps its (absent or all-zero) past, so that nothing renders for it.
    if (bytes === 0 && (!past || past.every((value) => value === 0))) continue;
    draft.map('activity').set(id, [...(past ?? []), bytes].slice(-limits.activity));
  }
  if (state.tally.size > 0) draft.state.tally = new Map();
  return draft.state;
}

function mergeHistory(state: StudioState, action: Extract<StudioAction, { type: 'history' }>): StudioState {
  const draft = new Draft(state);
  if (action.logs) {
    const { node, lines } = action.logs;
    const live = state.logs.get(node) ?? [];
    draft.map('logs').set(node, appended(lines, live, limits.logsPerNode));
  }
  if (action.messages) {
    const known = new Map([...action.messages, ...state.messages].map((message) => [message.seq, message]));
    draft.state.messages = [...known.values()].sort((a, b) => a.seq - b.seq).slice(-limits.messages);
  }
  return draft.state;
}

/** Hanging is a fault like any other, but a node that hangs is said to be in a state of its own. */
function hungNodes(faults: readonly FaultSpec[]): ReadonlyMap<string, number> {
  return new Map(
    faults
      .filter(({ enabled, kind }) => enabled && (kind === 'hang' || kind === 'freeze'))
      .map(({ node, since }) => [node, since ?? 0]),
  );
}

/** Faults that act now. */
export function activeFaults(state: StudioState): FaultSpec[] {
  return state.faults.filter((fault) => fault.enabled);
}
