/** A fault as it is set, saved, sent to a node and drawn. What each kind does is in `src/faults/`. */
import { z } from 'zod';
import { endpointSchema } from './schema';

/** Which traffic of a node a fault acts on. Everything absent means: all of it. */
export const faultScopeSchema = z.object({
  /** Only traffic with this node of the workspace … */
  peer: z.string().optional(),
  /** … or with these addresses. The core fills them in from `peer`, from the ports of the other node. */
  endpoints: z.array(endpointSchema).optional(),
  transport: z.enum(['tcp', 'udp']).optional(),
  /** 'out': what the node sends; 'in': what it receives. */
  direction: z.enum(['in', 'out']).optional(),
});
export type FaultScope = z.infer<typeof faultScopeSchema>;

export const faultSpecSchema = z.object({
  id: z.string().min(1).max(64),
  /** A file of `src/faults/`. */
  kind: z.string().min(1).max(64),
  /** The node in whose process it acts. */
  node: z.string().min(1),
  scope: faultScopeSchema.default({}),
  /** Settings of the kind, described by its fields. */
  params: z.record(z.string(), z.unknown()).default({}),
  enabled: z.boolean().default(true),
});
export type FaultSpec = z.infer<typeof faultSpecSchema>;
