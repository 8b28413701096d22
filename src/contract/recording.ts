/** What the panel is told of the recorder, and of the recordings of its workspace. */

/** What the recorder does now: one thing at a time, so that no recording contains a replay. */
export type RecorderView =
  | { phase: 'idle' }
  /** `startedAt`: Unix ms. */
  | { phase: 'recording'; startedAt: number; steps: number }
  /** `step` counts from 1, and is 0 while the nodes are brought into the state of the beginning. */
  | { phase: 'replaying'; name: string; task: string; step: number; steps: number; doing: string };

export interface RecordingRow {
  /** Its file's name without `.json`. */
  id: string;
  name: string;
  /** Unix ms; of a file that cannot be read, when it was written. */
  recordedAt: number;
  lengthMs: number;
  steps: number;
  /** Why it cannot be replayed. */
  problem?: string;
}

/** It becomes a file's name, and so leads to no other folder. */
export const recordingIdPattern = /^[\p{L}\p{N}_-][\p{L}\p{N} ._-]{0,119}$/u;
