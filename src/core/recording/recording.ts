/** A recording: what is in its file, and how it is read. */
import { z } from 'zod';
import { type CallName, calls } from '../../contract/calls';
import { nodeSpecSchema } from '../../contract/workspace';
import { parseJson, schemaProblem } from '../storage/json-document';
import { isRecordedCall, type Made, madeThings } from './steps';

const format = 'micro-cdn-recording';
/** A recording that was forgotten ends here by itself. */
export const maxSteps = 5000;
/** Timers do not go beyond 24 days. */
const milliseconds = z.number().min(0).max(1_000_000_000);

export interface Step {
  /** Milliseconds since the recording began. */
  at: number;
  call: CallName;
  /** By the call's own schema. */
  input: unknown;
  /** Milliseconds until the call was answered; absent: it still was under way when the recording ended. */
  took?: number | undefined;
  made?: Made | undefined;
}

const idsSchema = z.array(z.string().min(1).max(255)).optional();
const madeSchema = z.object(
  Object.fromEntries(madeThings.map((thing) => [thing, idsSchema])),
) as z.ZodType<Made>;

const stepSchema = z
  .object({
    at: milliseconds,
    call: z.string(),
    input: z.unknown(),
    took: milliseconds.optional(),
    made: madeSchema.optional(),
  })
  .transform((step, context): Step => {
    const { call } = step;
    if (!isRecordedCall(call)) {
      context.addIssue({ code: 'custom', path: ['call'], message: `"${call}" is no step of a recording` });
      return z.NEVER;
    }
    const input = calls[call].input.safeParse(step.input ?? {});
    if (input.success) return { ...step, call, input: input.data };
    for (const { path, message } of input.error.issues)
      context.addIssue({ code: 'custom', path: ['input', ...path], message });
    return z.NEVER;
  });

export const recordingSchema = z.object({
  format: z.literal(format),
  version: z.literal(1),
  name: z.string().trim().min(1).max(120),
  recordedAt: z.iso.datetime(),
  lengthMs: milliseconds,
  /** Those that there were at the beginning. */
  nodes: z.array(nodeSpecSchema.pick({ id: true, kind: true, name: true }).extend({ running: z.boolean() })),
  /** In the order in which they were begun. */
  steps: z.array(stepSchema).max(maxSteps),
});
export type Recording = z.infer<typeof recordingSchema>;

/** Reads the text of a recording's file; a problem is a phrase, such as 'it is empty'. */
export function parseRecording(text: string): { recording: Recording } | { problem: string } {
  const json = parseJson(text);
  if ('problem' in json) return json;
  const { format: ours, version } = (json.value ?? {}) as { format?: unknown; version?: unknown };
  if (ours !== format) return { problem: 'it is no recording' };
  if (typeof version === 'number' && version > 1)
    return { problem: `it was made by a newer version of the studio (format ${version})` };
  const parsed = recordingSchema.safeParse(json.value);
  if (parsed.success) return { recording: parsed.data };
  return { problem: schemaProblem(parsed.error, 'the recording') };
}

export function formatRecording(recording: Recording): string {
  return `${JSON.stringify(recording, null, 2)}\n`;
}
