/**
 * The registry of faults: one line each. The Faults tab, `--fault`, the documentation table and the runtime
 * are made from it.
 */
import type { FaultDefinition } from './fault';
import { hang } from './hang';

// Fields are invariant in a definition; the registry only needs what all of them have in common.
export const faults: readonly FaultDefinition[] = [
  hang, //
] as unknown as FaultDefinition[];

const byKind = new Map(faults.map((fault) => [fault.kind, fault]));

/** Undefined when a workspace of another version names a fault that is not known here. */
export function faultOf(kind: string): FaultDefinition | undefined {
  return byKind.get(kind);
}
