/**
 * What the core pushes to the panel. Events come in numbered batches; a panel that misses one asks for a
 * new snapshot. An entity event ('node', 'transfer', 'task') carries the whole entity and replaces the former.
 */
import type { ErrorShape } from './errors';
import type { FaultSpec } from './fault';
import type { LatencyCounts } from './latency';
import type { HopSample } from './node-port';
import type { Priority } from './priority';
import type { RecorderView } from './recording';
import type { Settings } from './settings';
import type { Workspace } from './workspace';

/** A closed union: nothing else can be the matter with a node's process. */
export type NodePhase = 'stopped' | 'starting' | 'running' | 'draining' | 'stopping' | 'crashed';

export interface NodeView {
  id: string;
  phase: NodePhase;
  /** Unix milliseconds of the last change of phase. */
  since: number;
  /** Why the phase is what it is: 'killed by you', 'exit code 1', 'port 5050 is in use by …'. */
  reason?: ErrorShape;
  /**
   * What is waited for. While starting, draining or stopping there is a deadline too (Unix ms); a running node
   * waits for those that are drained before it.
   */
  waitingFor?: string;
  deadline?: number;
  pid?: number;
  /** The configuration (or the address of a linked node) is no longer the one it was started with: restart it. */
  outdated?: boolean;
  ports: Record<string, number>;
  /** What the kind publishes about itself; its inspector knows the shape. */
  snapshot: Record<string, unknown>;
  counters: Record<string, number>;
  /** How long its answers took since start, as far as somebody looked; absent: it answers nothing. */
  latencies?: LatencyCounts;
  /** Share of one core, 0–1, and bytes of the node's own heap. */
  cpu?: number;
  heapBytes?: number;
}

export type TransferPhase = 'waiting' | 'running' | 'paused' | 'verifying' | 'done' | 'failed' | 'cancelled';

/** Bytes that came from one source, in the order of arrival: drawn as coloured segments. */
export interface TransferSegment {
  source: string;
  bytes: number;
}

/** A retry, a fail-over, a resume: a mark on the progress bar. */
export interface TransferMark {
  at: number;
  /** Bytes done at that moment. */
  bytes: number;
  text: string;
}

export interface TransferView {
  id: string;
  name: string;
  /** Node that downloads. */
  client: string;
  phase: TransferPhase;
  /** Its share of servers or peers that others of the same client use at the same time; absent: normal. */
  priority?: Priority;
  /** Absent until the index has answered. */
  size?: number;
  bytes: number;
  bytesPerSecond: number;
  startedAt: number;
  endedAt?: number;
  /** The server that is being read from: its id and address, and the node if it is one of ours. */
  source?: { serverId: string; address: string; node?: string };
  segments: TransferSegment[];
  marks: TransferMark[];
  /** Where the finished file is, once it is finished. */
  savedTo?: string;
  /** SHA-256 in hex, of the saved bytes; present when the hash was computed. */
  sha256?: string;
  /** What was verified: "size", "size and hash". */
  verified?: string;
  error?: ErrorShape;
}

export type TaskPhase = 'running' | 'done' | 'failed' | 'cancelled';

/** Long work that is not a download: an upload into a node, a copy, starting twenty nodes. */
export interface TaskView {
  id: string;
  kind: 'upload' | 'start' | 'stop' | 'other';
  title: string;
  node?: string;
  phase: TaskPhase;
  /** In `unit`s; total may be unknown. */
  done: number;
  total?: number;
  unit: 'bytes' | 'items';
  perSecond?: number;
  startedAt: number;
  endedAt?: number;
  cancellable: boolean;
  outcome?: string;
  error?: ErrorShape;
}

export interface JournalEntry {
  /** Rises by one; gaps never occur. */
  seq: number;
  at: number;
  level: 'info' | 'good' | 'warning' | 'bad';
  /** Node it happened in; absent for the studio itself. */
  node?: string;
  type: string;
  text: string;
  /** What it happened to: a server id, a file name, an address. */
  subject?: string;
  /** The entry that led to this one. */
  cause?: number;
}

/** Traffic between two nodes (or an outside address) since the last batch; `from` opened it. */
export interface FlowView {
  from: string;
  /** A node's id, or `host:port` of something outside. */
  to: string;
  /** The manifest's word: 'heartbeat', 'lookup', 'transfer' …; 'other' when no link says. */
  role: string;
  transport: 'tcp' | 'udp';
  opened: number;
  /** TCP connections open now. */
  open: number;
  /** From `from` to `to`, and back. */
  sentBytes: number;
  receivedBytes: number;
  /** Milliseconds that the byte counts cover. */
  overMs: number;
  /** Messages passed on from node to node; absent: none. */
  hops?: readonly HopSample[];
}

export interface LogLine {
  /** Rises by one per node. */
  seq: number;
  node: string;
  at: number;
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
}

export interface WireMessage {
  seq: number;
  node: string;
  at: number;
  direction: 'in' | 'out';
  transport: 'tcp' | 'udp';
  /** The other side: a node's id where it is known. */
  peer: string;
  text: string;
}

/** The outcome of something, for a toast. */
export interface Notice {
  id: number;
  level: 'info' | 'good' | 'warning' | 'bad';
  title: string;
  text?: string;
}

export interface WorkspaceView {
  document: Workspace;
  /** The file it is saved in. */
  path: string;
  canUndo: boolean;
  canRedo: boolean;
  /** What undo would undo, for the tooltip: 'add CS3'. */
  undoLabel?: string;
  redoLabel?: string;
  /** Set while the last save failed. */
  saveError?: ErrorShape;
}

export type StudioEvent =
  | { type: 'workspace'; workspace: WorkspaceView }
  | { type: 'node'; node: NodeView }
  | { type: 'node-removed'; id: string }
  | { type: 'transfer'; transfer: TransferView }
  | { type: 'transfer-removed'; id: string }
  | { type: 'task'; task: TaskView }
  | { type: 'task-removed'; id: string }
  | { type: 'journal'; entries: JournalEntry[] }
  | { type: 'flows'; flows: FlowView[] }
  | { type: 'logs'; lines: LogLine[] }
  | { type: 'messages'; messages: WireMessage[] }
  /** The files of a node (or of the whole catalogue) are different now: ask again. */
  | { type: 'files-changed'; node: string }
  | { type: 'notice'; notice: Notice }
  | { type: 'settings'; settings: Settings }
  | { type: 'faults'; faults: FaultSpec[] }
  | { type: 'recorder'; recorder: RecorderView };

export interface EventBatch {
  /** Rises by one; `snapshot().seq` is that of the last batch it contains. */
  seq: number;
  events: StudioEvent[];
}

/** Everything a panel needs to draw itself, at one moment. */
export interface Snapshot {
  seq: number;
  shell: ShellInfo;
  workspace: WorkspaceView;
  nodes: NodeView[];
  transfers: TransferView[];
  tasks: TaskView[];
  /** The newest entries. */
  journal: JournalEntry[];
  settings: Settings;
  faults: FaultSpec[];
  recorder: RecorderView;
}

export interface ShellInfo {
  kind: 'electron' | 'headless';
  version: string;
  platform: string;
  /** Whether dropped files arrive as paths (`files.import`) or must be uploaded (`files.prepareUpload`). */
  paths: boolean;
  /** Folder of workspaces and settings, for "open folder". */
  dataFolder: string;
}
