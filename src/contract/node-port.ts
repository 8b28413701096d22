/**
 * The control port between the core and a node's process. It has a channel of its own (the parent's IPC), so
 * that no injected fault ever touches it. Plain types: a node trusts its parent and must start fast; the core
 * trusts its own build. What a *person* sends is validated before it comes here.
 */

import type { Endpoint } from './endpoint';
import type { ErrorShape } from './errors';
import type { FaultSpec } from './fault';
import type { LatencyCounts } from './latency';

export type ToNode =
  /** The first message; `kind` is a folder of `src/nodes/`, `config` its resolved configuration. */
  | {
      type: 'start';
      kind: string;
      config: Record<string, unknown>;
      seed: number;
      faults: FaultSpec[];
      watch: Watch;
    }
  | { type: 'drain' }
  | { type: 'stop' }
  /** The complete list of faults that act inside this process; replaces the former list in one step. */
  | { type: 'faults'; faults: FaultSpec[]; revision: number }
  | { type: 'watch'; watch: Watch }
  | { type: 'operate'; call: number; operation: string; input: unknown }
  | { type: 'cancel'; call: number };

/** What is worth sending at the moment. */
export interface Watch {
  /** Somebody looks at the panel: send state, flows and counters several times a second, not just once. */
  visible: boolean;
  /** Somebody looks at this node's messages. */
  messages: boolean;
}

export type FromNode =
  | { type: 'ready'; ports: Record<string, number> }
  | { type: 'drained' }
  /** The list of this revision is in force. A node that does not answer does not obey. */
  | { type: 'faults-set'; revision: number }
  | { type: 'stopped' }
  /** The node cannot start or go on; the process exits after this. */
  | { type: 'fatal'; error: ErrorShape }
  | { type: 'telemetry'; telemetry: NodeTelemetry }
  | { type: 'progress'; call: number; value: Record<string, unknown> }
  | { type: 'result'; call: number; value: unknown }
  | { type: 'failed'; call: number; error: ErrorShape };

export interface NodeTelemetry {
  /** Totals since start, by name. Absent: unchanged. */
  counters?: Record<string, number>;
  /** How long its answers took, since start; absent: unchanged. */
  latencies?: LatencyCounts;
  /** What the node published; absent: unchanged. */
  snapshot?: Record<string, unknown>;
  /** Traffic of connections and datagrams that this node opened or sent, since the last telemetry. */
  flows?: FlowSample[];
  events?: NodeEventRecord[];
  logs?: NodeLogRecord[];
  messages?: NodeMessageRecord[];
  /** Events, log lines and messages that were not sent because there were too many. */
  dropped?: number;
  /** `cpu`: share of one core, 0–1, over the last seconds. */
  resources?: { cpu: number; heapBytes: number };
}

/** Traffic between this node and one far address, seen from the side that opened it. */
export interface FlowSample {
  to: Endpoint;
  transport: 'tcp' | 'udp';
  /** TCP connections opened, or datagrams sent. */
  opened: number;
  sentBytes: number;
  receivedBytes: number;
  /** TCP connections that are open now. */
  open: number;
  /** Messages passed on from node to node; absent: none. At most 16 of a sample. */
  hops?: readonly HopSample[];
}

/** One step of a message that goes from node to node. */
export interface HopSample {
  /** The same at every step of one message, and of no other. */
  message: string;
  /** 1 for the first step. */
  step: number;
}

export interface NodeEventRecord {
  /** Unix milliseconds. */
  at: number;
  type: string;
  text: string;
  subject?: string;
  level?: 'info' | 'good' | 'warning' | 'bad';
}

export interface NodeLogRecord {
  at: number;
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
}

export interface NodeMessageRecord {
  at: number;
  direction: 'in' | 'out';
  transport: 'tcp' | 'udp';
  peer: Endpoint;
  text: string;
}
