/** The saved document, and the commands that change it. Every edit is a command, so that it can be undone. */
import { z } from 'zod';
import { faultSpecSchema } from './fault';

export const positionSchema = z.object({ x: z.number(), y: z.number() });

export const nodeSpecSchema = z.object({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  kind: z.string(),
  name: z.string().trim().min(1, 'A node needs a name.').max(64),
  position: positionSchema,
  /** By the kind's fields; see `configSchema`. Links and folders are stored unresolved. */
  config: z.record(z.string(), z.unknown()),
});
export type NodeSpec = z.infer<typeof nodeSpecSchema>;

export const workspaceSchema = z.object({
  format: z.literal('micro-cdn-studio'),
  version: z.literal(1),
  name: z.string().trim().min(1).max(120),
  nodes: z.array(nodeSpecSchema).max(2000),
  faults: z.array(faultSpecSchema).default([]),
  /** Start all nodes when the workspace is opened. */
  startOnOpen: z.boolean().default(false),
});
export type Workspace = z.infer<typeof workspaceSchema>;

export const workspaceCommandSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('add-node'),
    kind: z.string(),
    /** Chosen by the core when absent. */
    id: nodeSpecSchema.shape.id.optional(),
    name: nodeSpecSchema.shape.name.optional(),
    position: positionSchema.optional(),
    /** Fields that differ from their defaults; ports not named here are chosen free. */
    config: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ type: z.literal('remove-nodes'), ids: z.array(z.string()).min(1) }),
  z.object({ type: z.literal('duplicate-nodes'), ids: z.array(z.string()).min(1) }),
  z.object({ type: z.literal('move-nodes'), positions: z.record(z.string(), positionSchema) }),
  z.object({ type: z.literal('rename-node'), id: z.string(), name: nodeSpecSchema.shape.name }),
  z.object({ type: z.literal('configure-node'), id: z.string(), config: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('rename-workspace'), name: workspaceSchema.shape.name }),
  z.object({ type: z.literal('set-start-on-open'), startOnOpen: z.boolean() }),
]);
export type WorkspaceCommand = z.infer<typeof workspaceCommandSchema>;
