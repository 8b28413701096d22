/**
 * Faults that a person set as one are shown and changed as one: the same on each of several nodes, or at both ends of
 * a link that both ends open. Pure.
 */
import type { FaultSpec } from '../../../contract/fault';
import { paramsOf } from '../../../faults/describe';
import { faultOf } from '../../../faults/registry';
import type { FaultPlace } from '../../fault-links';

/** In different processes, with the same settings; never empty. */
export type FaultGroup = readonly [FaultSpec, ...FaultSpec[]];

/** In the order of the chain, each group where its first fault stands. */
export function groupFaults(faults: readonly FaultSpec[], place: FaultPlace): FaultGroup[] {
  const groups: { signature: string; members: [FaultSpec, ...FaultSpec[]] }[] = [];
  for (const fault of faults) {
    const signature = signatureOf(fault, place);
    const alike = groups.find(
      (group) => group.signature === signature && group.members.every(({ node }) => node !== fault.node),
    );
    if (alike) alike.members.push(fault);
    else groups.push({ signature, members: [fault] });
  }
  return groups.map(({ members }) => members);
}

/** `fault` with all that was set on `leader`, in its own process and towards its own peers. */
export function alignedWith(leader: FaultSpec, fault: FaultSpec, place: FaultPlace): FaultSpec {
  if (fault.id === leader.id) return leader;
  const { transport, messages } = leader.scope;
  const { peer, peers, endpoints } = fault.scope;
  const direction = 'link' in place ? opposite(leader.scope.direction) : leader.scope.direction;
  const scope = defined({ peer, peers, endpoints, transport, direction, messages });
  return { ...leader, id: fault.id, node: fault.node, scope };
}

/** The same for faults that differ in nothing but the process they act in. */
function signatureOf(fault: FaultSpec, place: FaultPlace): string {
  const { kind, enabled, params, pick, schedule, seed, scope } = fault;
  const { peer, peers, endpoints, transport, messages } = scope;
  const definition = faultOf(kind);
  // From the other end of a link, 'out' is the direction that is 'in' from this one.
  const mirrored = 'link' in place && !place.link.startsWith(`${fault.node} `);
  const direction = mirrored ? opposite(scope.direction) : scope.direction;
  // A fault that separates groups names others at each end of a link: all that counts is that it is wider than the link.
  const towards = 'link' in place ? peers !== undefined : [peer, peers, endpoints];
  const settings = definition ? paramsOf(definition, params) : params;
  return JSON.stringify([
    kind,
    enabled,
    settings,
    pick,
    schedule,
    seed,
    transport,
    messages,
    direction,
    towards,
  ]);
}

function opposite(direction: FaultSpec['scope']['direction']): FaultSpec['scope']['direction'] {
  return direction && ({ in: 'out', out: 'in' } as const)[direction];
}

function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
