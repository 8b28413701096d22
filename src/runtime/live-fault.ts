import type { FaultSpec } from '../contract/fault';
import type { FaultBehaviour, FaultDefinition, Machine } from '../faults/fault';
import { faultOf } from '../faults/registry';
import type { Clock, Endpoint } from './context';
import { seededRandom } from './random';

/** Which traffic something is asked about. */
export interface Traffic {
  transport: 'tcp' | 'udp';
  direction: 'in' | 'out';
  role: 'dialled' | 'accepted';
  /** Where the other side listens, or the port it happens to use when it dialled us. */
  peer: Endpoint;
}

/** One fault at work: its present settings, its dice, and whether some traffic is its business. */
export class LiveFault {
  spec: FaultSpec;
  readonly definition: FaultDefinition;
  readonly behaviour: FaultBehaviour;
  readonly #seed: number;
  /** How many dice of each label were handed out, so that the third connection always has the third dice. */
  readonly #dealt = new Map<string, number>();

  private constructor(spec: FaultSpec, definition: FaultDefinition, machine: Machine) {
    this.spec = spec;
    this.definition = definition;
    this.#seed = hash(spec.id);
    this.behaviour = definition.create(this, machine);
  }

  /** Undefined for a kind that is not known here. */
  static create(spec: FaultSpec, _clock: Clock, machine: Machine): LiveFault | undefined {
    const definition = faultOf(spec.kind);
    return definition && new LiveFault(spec, definition, machine);
  }

  get params(): never {
    return this.spec.params as never;
  }

  /** Adopts changed settings, and says whether it could: another kind is another fault. */
  takes(spec: FaultSpec): boolean {
    if (spec.kind !== this.spec.kind) return false;
    this.spec = spec;
    return true;
  }

  /** Whether the fault acts on this traffic. */
  covers({ transport, direction, peer }: Traffic): boolean {
    const { scope } = this.spec;
    if (scope.transport && scope.transport !== transport) return false;
    if (scope.direction && scope.direction !== direction) return false;
    if (scope.endpoints) return scope.endpoints.some((endpoint) => sameEndpoint(endpoint, peer));
    // A peer whose addresses are not known yet: nothing is its traffic.
    return scope.peer === undefined;
  }

  /** Dice for one more user of this label; the n-th user of a label always gets the same sequence. */
  deal(label: string): () => number {
    const number = this.#dealt.get(label) ?? 0;
    this.#dealt.set(label, number + 1);
    return seededRandom(this.#seed ^ hash(`${label} ${number}`));
  }
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && (a.host === b.host || loopback(a.host) === loopback(b.host));
}

/** The names of this machine that mean the same address. */
function loopback(host: string): string {
  return host === 'localhost' || host === '0.0.0.0' ? '127.0.0.1' : host;
}

/** FNV-1a, 32 bits: spreads ids and labels over seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
