/** Tells a program that could not start on this machine from one that ran and ended. */
import { constants } from 'node:os';

/** Later it is a crash, which the person has seen. */
const START_MS = 5000;
/** These come from a person or the system's shutdown, and are no failure. */
const wished = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'];
/** What a loader exits with when a library is missing, and a shell when there is no such program. */
const NOT_FOUND = 127;
/** STATUS_CONTROL_C_EXIT of Windows. */
const CONTROL_C = 0xc000013a;

/** Why it could not start, as a phrase; undefined when it could. */
export function startFailure({ code, signal, afterMs }) {
  if (afterMs > START_MS || code === CONTROL_C) return undefined;
  const endedBy = signal ?? signalOf(code);
  if (endedBy) return wished.includes(endedBy) ? undefined : `it was ended by ${endedBy}`;
  if (code === NOT_FOUND) return 'a library that it needs is missing';
  return code > NOT_FOUND ? `it ended with code ${code}` : undefined;
}

/** Shells, and programs that pass on how another ended, report a signal as 128 and its number. */
function signalOf(code) {
  return Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
}
