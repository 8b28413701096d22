/** What a call has made, for recorder and player alike: what the one found is matched with what the other finds. */
import type { CallName } from '../../contract/calls';
import type { FaultSpec } from '../../contract/fault';
import { type Made, stepKindOf } from './steps';

/**
 * Carries a call out, and tells what it made. `run` sets faults, if any, before it returns its promise.
 * @throws what the call throws
 */
export async function withMade<Output>(
  call: CallName,
  faults: () => readonly FaultSpec[],
  run: () => Output | Promise<Output>,
): Promise<{ output: Output; made: Made }> {
  const kind = stepKindOf(call);
  const before = new Set(faults().map(({ id }) => id));
  const running = run();
  const set = faults().flatMap(({ id }) => (before.has(id) ? [] : [id]));
  const output = await running;
  return { output, made: { ...kind?.made?.(output), ...(kind?.setsFaults ? { fault: set } : {}) } };
}
