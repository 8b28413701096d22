/**
 * What a fault is: one file of this folder describes it (plain data: form, command line, documentation and
 * badge are made from it) and behaves (small rules without sockets, timers or dice of their own). The runtime
 * applies the rules to a node's network, clock and files; a node never knows.
 *
 * A rule says *when* something may go on and *what* it becomes; the runtime alone holds, forwards and
 * schedules. That split is what makes every fault removable at once: no rule owns bytes that could be lost.
 */
import type { ConfigOf, Fields } from '../contract/fields';

/** One thing that travels over a connection, in one direction. */
export type StreamItem =
  | { type: 'bytes'; bytes: Uint8Array }
  /** The sender has finished (FIN). */
  | { type: 'end' }
  /** The sender closed the connection. `error`: as the receiver will be told. */
  | { type: 'close'; reset: boolean; error?: Error }
  /** The fault itself ends the connection, at both sides: cleanly, or with a reset. */
  | { type: 'break'; reset: boolean; farOnly?: boolean };

/** The sudden end of a connection. */
export interface Break {
  /** Milliseconds of the clock. */
  at: number;
  /** With a TCP reset, or cleanly. */
  reset: boolean;
  /** Only the other side notices. */
  farOnly?: boolean;
}

/** An item that waits for its time. */
export interface Waiting {
  readonly item: StreamItem;
  /** Milliseconds of the machine's clock at which it came. */
  readonly arrived: number;
  /** Uniform in [0, 1), drawn once: a changed setting moves the due time, and never throws the dice again. */
  readonly dice: number;
}

/** How a fault acts on one direction of one TCP connection. Every rule may be absent. */
export interface StreamRule {
  /** Changes, splits, swallows or adds items, at the moment they come. The bytes are ours: they may be kept. */
  shape?(item: StreamItem, now: number): StreamItem[];
  /**
   * Milliseconds of the clock before which `waiting` must not go on; infinite: not while the fault is as it
   * is. `previous` is the due time of the item before it, which is never overtaken. Asked again for all that
   * waits when a setting changes, so it depends on nothing but its arguments and the settings.
   */
  due?(waiting: Waiting, previous: number): number;
  /** When the connection breaks by itself; asked again after a change. */
  breaks?(): Break;
  /** Bytes that may wait here before the sender is held back; default 64 KiB. 0: it is held back at once. */
  readonly window?: number;
}

/** One copy of a datagram on its way. */
export interface Departure {
  bytes: Uint8Array;
  /**
   * Milliseconds of the clock; asked again for all that waits when a setting changes. Absent: at once. `previous` is
   * the due time of the departure before it.
   */
  due?(previous: number): number;
  /** Goes on, before it is due, as soon as so many later datagrams have passed. */
  afterOthers?: number;
}

/** How a fault acts on the datagrams between a socket and one peer, in one direction. */
export interface DatagramRule {
  /** What becomes of a datagram: nothing, itself, copies. `bytes` may be kept, and must not be changed. */
  pass(bytes: Uint8Array, now: number): Departure[];
  /** Bytes that may wait here; further ones are lost, as in a full queue. Default 1 MiB. */
  readonly window?: number;
}

/** What is known of the connection or the pair of addresses that a rule is made for. */
export interface Link {
  /** 'out': what the node sends; 'in': what it receives. */
  readonly direction: 'in' | 'out';
  /** Whether the node opened the connection, or took it. Datagrams: 'dialled'. */
  readonly role: 'dialled' | 'accepted';
  /** Milliseconds of the clock at which the connection was made. */
  readonly openedAt: number;
  /** Uniform in [0, 1); a sequence of its own for each fault, direction and connection. */
  random(): number;
}

/** What becomes of an attempt to connect. */
export interface Attempt {
  /** Milliseconds that the handshake takes longer. */
  delayMs?: number;
  /** It fails with this code. */
  refuse?: 'ECONNREFUSED' | 'EMFILE';
  /** Nothing is heard until the fault is gone or the caller gives up. */
  unanswered?: boolean;
}

export type DiskOperation = 'open' | 'read' | 'write' | 'list';

/** How a fault acts on the node's folders. Every rule may be absent. */
export interface DiskRule {
  /** Milliseconds that an operation on `bytes` takes longer. */
  delay?(operation: DiskOperation, bytes: number): number;
  /** The code with which the operation fails: 'EIO', 'ENOSPC', 'EMFILE'. */
  fail?(operation: DiskOperation, bytes: number): string | undefined;
  /** Changes what was read, in place; never asked for names with a dot in front, a node's own records. */
  content?(name: string, bytes: Uint8Array, position: number): void;
  /** The size that is told of a file (by a list or a question, not by the open file itself). */
  size?(name: string, size: number): number;
}

/** How a fault bends time, as the node sees it. */
export interface ClockRule {
  /** Milliseconds added to the time of day. */
  skewMs(): number;
  /** Seconds of the node in a real second. */
  rate(): number;
}

/** What a fault may do to the process it acts in. Its clock is the machine's, not the node's. */
export interface Machine {
  now(): number;
  every(ms: number, run: () => void): Burden;
  /** Ends the process at once, as `kill -9` does. */
  crash(): void;
  /** Keeps the event loop busy for so many milliseconds. */
  stall(ms: number): void;
  /** Keeps so many cores busy for a share (0–1) of the time, beside the event loop. */
  burn(cores: number, share: number): Burden;
  /** Holds so many bytes of memory, truly in use. */
  allocate(bytes: number): Burden;
}

/** Something that weighs on the machine until it is released. */
export interface Burden {
  release(): void;
}

/** A fault at work in a node. Every rule may be absent; a behaviour is made once and lives until its fault ends. */
export interface FaultBehaviour {
  stream?(link: Link): StreamRule | undefined;
  datagrams?(link: Link): DatagramRule | undefined;
  /**
   * Asked for each TCP connection that the node wants to open, once for each direction that the fault acts on.
   * `random` repeats itself when the same attempt is asked about again.
   */
  connecting?(direction: Link['direction'], random: () => number): Attempt;
  /** What happens to a connection that arrives: the node gets it, or gets it when the fault is gone, or never. */
  accepting?(): 'take' | 'hold' | 'reset';
  /** Milliseconds by which the ports of the node open later. */
  listening?(): number;
  /** The node does not run at all: no timer fires, no operation ends. */
  readonly suspends?: boolean;
  readonly clock?: ClockRule;
  readonly disk?: DiskRule;
  /** Called when the fault begins, and, after a release, when its settings change. */
  burden?(): Burden;
}

/** What the runtime gives a behaviour. */
export interface FaultSettings<Params> {
  /** Always the present ones, ramp included. */
  readonly params: Params;
  /** Uniform in [0, 1), for what is no link's: a sequence of the fault's own. */
  random(): number;
}

/** What a fault can be set on. */
export type FaultTarget = 'node' | 'tcp' | 'udp';

/**
 * How a link with the fault is drawn, so that it can be told without colour: slow particles, dashes, a cut, a
 * dead end, a wave. A node always gets the badge.
 */
export type FaultLook = 'slow' | 'lossy' | 'cut' | 'dead-end' | 'altered';

export interface FaultDefinition<F extends Fields = Fields> {
  /** Kebab-case; the file's name. */
  kind: string;
  label: string;
  /** One sentence: what a user will observe. */
  observe: string;
  look: FaultLook;
  /** 'node': the whole process. 'tcp' and 'udp': a link, and then it has a direction. */
  targets: readonly FaultTarget[];
  fields: F;
  /** Numbers that a ramp moves from 0 to what is set. Without any, a fault cannot be ramped. */
  ramps?: readonly (keyof F & string)[];
  /** The kind and the figure, short enough to stand on an edge: '200 ms ±20'. */
  badge(params: ConfigOf<F>): string;
  /** Acts on both directions at once: it has no direction to choose. */
  bothWays?: boolean;
  /** Done by the core, from outside the process: it has no effect inside. */
  byCore?: boolean;
  /** Systems, by Node's names for them, that cannot do it. */
  notOn?: readonly string[];
  /** Something of one process: over when that ends, while other faults hold for the next one too. */
  endsWithProcess?: boolean;
  create(settings: FaultSettings<ConfigOf<F>>, machine: Machine): FaultBehaviour;
}

/** Keeps the exact types of the fields, so that a behaviour's `params` are exact. */
export function defineFault<const F extends Fields>(definition: FaultDefinition<F>): FaultDefinition<F> {
  return definition;
}
