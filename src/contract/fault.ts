/** A fault as it is set, saved, sent to a node and drawn. What each kind does is in `src/faults/`. */
import { z } from 'zod';
import { endpointSchema } from './schema';

/** Longest span of a schedule, a day. A timer beyond 24.8 days would fire at once, again and again. */
export const MAX_SPAN_MS = 86_400_000;

const milliseconds = z.number().min(0).max(MAX_SPAN_MS);

/** Which traffic of a node a fault acts on. Everything absent means: all of it. */
export const faultScopeSchema = z.object({
  /** Only traffic with this node of the workspace … */
  peer: z.string().optional(),
  /** … or with any of these … */
  peers: z.array(z.string()).max(2000).optional(),
  /** … or with these addresses. The core fills them in from the peers, from the ports of those nodes. */
  endpoints: z.array(endpointSchema).optional(),
  transport: z.enum(['tcp', 'udp']).optional(),
  /** 'out': what the node sends; 'in': what it receives. */
  direction: z.enum(['in', 'out']).optional(),
  /**
   * Only messages of these types: the first word of a line or datagram (HEARTBEAT, SERVER_DOWN, GET), or the
   * "type" of a JSON message; `data` is everything that does not begin with a word in capitals.
   */
  messages: z
    .array(z.string().regex(/^[^\s]{1,40}$/, 'A message type is one word.'))
    .max(16)
    .optional(),
});
export type FaultScope = z.infer<typeof faultScopeSchema>;

/**
 * Which of the traffic in its scope a fault strikes; all that is given must hold. It counts datagrams, messages
 * of the named types, or, on TCP without named types, connections.
 */
export const faultPickSchema = z.object({
  first: z.int().min(1).max(1_000_000).optional(),
  every: z.int().min(1).max(1_000_000).optional(),
  probability: z.number().min(0).max(1).optional(),
});
export type FaultPick = z.infer<typeof faultPickSchema>;

/** When a fault acts, counted from the moment it was set. */
export const faultScheduleSchema = z.object({
  /** It begins so much later. */
  afterMs: milliseconds.optional(),
  /** It ends so long after it began. */
  forMs: milliseconds.optional(),
  /** It grows from nothing to what is set, in so much time. */
  rampMs: milliseconds.optional(),
  /** It comes and goes: on for `onMs`, off for `offMs`, again and again. */
  onMs: milliseconds.optional(),
  offMs: milliseconds.optional(),
});
export type FaultSchedule = z.infer<typeof faultScheduleSchema>;

export const faultSpecSchema = z.object({
  id: z.string().min(1).max(64),
  /** A file of `src/faults/`. */
  kind: z.string().min(1).max(64),
  /** The node in whose process it acts. */
  node: z.string().min(1),
  scope: faultScopeSchema.default({}),
  pick: faultPickSchema.optional(),
  schedule: faultScheduleSchema.optional(),
  /** Dice of the fault; the same seed and the same traffic give the same decisions. Default: from the id. */
  seed: z.int().min(0).max(4_294_967_295).optional(),
  /** Unix ms at which it was set, so that a schedule goes on after a restart. The core fills it in. */
  since: z.number().optional(),
  /** Settings of the kind, described by its fields. */
  params: z.record(z.string(), z.unknown()).default({}),
  enabled: z.boolean().default(true),
});
export type FaultSpec = z.infer<typeof faultSpecSchema>;
