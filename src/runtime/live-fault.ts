import type { FaultSpec } from '../contract/fault';
import { faultCounters } from '../faults/counters';
import type { Burden, FaultBehaviour, FaultDefinition, Machine } from '../faults/fault';
import { messageType } from '../faults/message-type';
import { faultOf } from '../faults/registry';
import { type Moment, momentOf } from '../faults/schedule';
import { hash32 } from '../protocol/hash32';
import type { Clock, Endpoint } from './context';
import { seededRandom } from './random';

/** Adds one to a counter of the node. */
type Count = (name: string) => void;

export interface Surroundings {
  clock: Clock;
  machine: Machine;
  count: Count;
}

/** Labels of dice that are counted apart. */
const MAX_LABELS = 4096;

/** Which traffic something is asked about. */
export interface Traffic {
  transport: 'tcp' | 'udp';
  direction: 'in' | 'out';
  /** Where the other side listens, or the port it happens to use when it dialled us. */
  peer: Endpoint;
}

/** One fault at work: its present settings, its dice, and whether some traffic is its business. */
export class LiveFault {
  spec: FaultSpec;
  readonly definition: FaultDefinition;
  readonly behaviour: FaultBehaviour;
  readonly #clock: Clock;
  /** Milliseconds of the clock at which the schedule began. */
  readonly #began: number;
  readonly #random: () => number;
  readonly #pickRandom: () => number;
  /** How many dice of each label were handed out, so that the third connection always has the third dice. */
  readonly #dealt = new Map<string, number>();
  /** Datagrams, messages or connections that came so far, to be picked from. */
  #met = 0;
  readonly #count: Count;
  #burden: { burden: Burden; params: string } | undefined;

  #params: Record<string, unknown>;

  private constructor(spec: FaultSpec, definition: FaultDefinition, surroundings: Surroundings) {
    const { clock, machine, count } = surroundings;
    this.spec = spec;
    this.#count = count;
    this.#params = withDefaults(spec, definition);
    this.definition = definition;
    this.#clock = clock;
    this.#began = clock.now() - (spec.since === undefined ? 0 : Math.max(0, clock.wallTime() - spec.since));
    this.#random = this.deal('own');
    this.#pickRandom = this.deal('pick');
    this.behaviour = definition.create(this, machine);
  }

  /** Undefined for a kind that is not known here, or not done here. */
  static create(spec: FaultSpec, surroundings: Surroundings): LiveFault | undefined {
    const definition = faultOf(spec.kind);
    return definition && !definition.byCore ? new LiveFault(spec, definition, surroundings) : undefined;
  }

  /** Adopts changed settings, and says whether it could: another kind, seed or beginning is another fault. */
  takes(spec: FaultSpec): boolean {
    const { kind, seed, since } = this.spec;
    if (spec.kind !== kind || spec.seed !== seed || spec.since !== since) return false;
    this.spec = spec;
    this.#params = withDefaults(spec, this.definition);
    return true;
  }

  get moment(): Moment {
    return momentOf(this.spec.schedule, this.#clock.now() - this.#began);
  }

  /** What is set; what a ramp moves is as far as the ramp is. */
  get params(): never {
    if (!this.spec.schedule?.rampMs) return this.#params as never;
    const { strength } = this.moment;
    const params = { ...this.#params };
    for (const name of this.definition.ramps ?? []) params[name] = (params[name] as number) * strength;
    return params as never;
  }

  random(): number {
    return this.#random();
  }

  /** Whether the fault acts on this traffic. */
  covers({ transport, direction, peer }: Traffic): boolean {
    const { scope } = this.spec;
    if (scope.transport && scope.transport !== transport) return false;
    if (scope.direction && scope.direction !== direction && !this.definition.bothWays) return false;
    if (scope.endpoints) return scope.endpoints.some((endpoint) => sameEndpoint(endpoint, peer));
    // A peer whose addresses are not known yet: nothing is its traffic.
    return scope.peer === undefined && scope.peers === undefined;
  }

  /** The message types it is narrowed to; undefined when it concerns all bytes of a connection alike. */
  get messages(): readonly string[] | undefined {
    const { messages } = this.spec.scope;
    return messages && messages.length > 0 ? messages : undefined;
  }

  /** Whether it strikes this datagram. Counts. */
  strikesDatagram(bytes: Uint8Array): boolean {
    if (this.messages && !this.messages.includes(messageType(bytes))) return false;
    this.#count(faultCounters(this.spec.id).met);
    return this.strikes();
  }

  /** A datagram that it struck is lost. */
  lost(): void {
    this.#count(faultCounters(this.spec.id).lost);
  }

  /** Whether it strikes the next of what it counts (`FaultPick`). Counts. */
  strikes(): boolean {
    const { pick } = this.spec;
    if (!pick) return true;
    this.#met++;
    if (pick.first !== undefined && this.#met > pick.first) return false;
    if (pick.every !== undefined && this.#met % pick.every !== 0) return false;
    return pick.probability === undefined || this.#pickRandom() < pick.probability;
  }

  /** Dice for one more user of this label; the n-th user of a label always gets the same sequence. */
  deal(label: string): () => number {
    return this.dealAgain(label)();
  }

  /** Like `deal`, for a user who must be able to throw the same dice again, from the beginning. */
  dealAgain(label: string): () => () => number {
    const key = this.#dealt.has(label) || this.#dealt.size < MAX_LABELS ? label : 'others';
    const number = this.#dealt.get(key) ?? 0;
    this.#dealt.set(key, number + 1);
    const seed = (this.spec.seed ?? hash32(this.spec.id)) ^ hash32(`${key} ${number}`);
    return () => seededRandom(seed);
  }

  /** Lays the fault's burden on the machine, or takes it off. */
  weigh(acts: boolean): void {
    const params = JSON.stringify(this.spec.params);
    if (acts && this.#burden?.params === params) return;
    this.#burden?.burden.release();
    const burden = acts ? this.behaviour.burden?.() : undefined;
    this.#burden = burden && { burden, params };
  }
}

function withDefaults(spec: FaultSpec, { fields }: FaultDefinition): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) if ('default' in field) params[name] = field.default;
  return { ...params, ...spec.params };
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && (a.host === b.host || plainHost(a.host) === plainHost(b.host));
}

/** The names of this machine that mean the same address. */
function plainHost(host: string): string {
  return host === 'localhost' || host === '0.0.0.0' ? '127.0.0.1' : host;
}
