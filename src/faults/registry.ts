/**
 * The registry of faults: one line each, in the order in which they are offered. The Faults tab, `--fault`, the
 * documentation table and the runtime are made from it.
 */

import { bandwidth } from './bandwidth';
import { blackHole } from './black-hole';
import { clockSkew } from './clock-skew';
import { corrupt } from './corrupt';
import { cpuBurn } from './cpu-burn';
import { crashOnRequest } from './crash-on-request';
import { diskFull } from './disk-full';
import { duplicate } from './duplicate';
import type { FaultDefinition } from './fault';
import { freeze } from './freeze';
import { halfOpen } from './half-open';
import { hang } from './hang';
import { kill } from './kill';
import { latency } from './latency';
import { limit } from './limit';
import { loseMessages } from './lose-messages';
import { loss } from './loss';
import { memory } from './memory';
import { partition } from './partition';
import { readErrors } from './read-errors';
import { refuse } from './refuse';
import { reorder } from './reorder';
import { reset } from './reset';
import { slicer } from './slicer';
import { slowAnswers } from './slow-answers';
import { slowClose } from './slow-close';
import { slowDisk } from './slow-disk';
import { slowStart } from './slow-start';
import { stall } from './stall';
import { startDelay } from './start-delay';
import { tooManyFiles } from './too-many-files';
import { truncate } from './truncate';
import { wrongContent } from './wrong-content';
import { wrongSize } from './wrong-size';

// A definition knows its own settings exactly; here only what all of them have in common is needed.
export const faults = [
  latency, //
  bandwidth,
  slowStart,
  slicer,
  limit,
  reset,
  refuse,
  blackHole,
  halfOpen,
  slowClose,
  corrupt,
  truncate,
  partition,
  loseMessages,
  loss,
  duplicate,
  reorder,
  kill,
  crashOnRequest,
  hang,
  freeze,
  startDelay,
  slowAnswers,
  cpuBurn,
  stall,
  memory,
  diskFull,
  readErrors,
  slowDisk,
  wrongContent,
  wrongSize,
  clockSkew,
  tooManyFiles,
] as unknown as readonly FaultDefinition[];

const byKind = new Map(faults.map((fault) => [fault.kind, fault]));

/** Undefined when a workspace of another version names a fault that is not known here. */
export function faultOf(kind: string): FaultDefinition | undefined {
  return byKind.get(kind);
}
