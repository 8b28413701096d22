/** The person's settings, saved apart from the workspace. */
import { z } from 'zod';

export const settingsSchema = z.object({
  version: z.literal(1).default(1),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** Where finished downloads go; empty: `downloads` beside the workspace. */
  downloadFolder: z.string().max(4096).default(''),
  /** Milliseconds after which a start, a drain or a stop is called late and Force stop is offered. */
  startDeadlineMs: z.int().min(1000).max(120_000).default(10_000),
  stopDeadlineMs: z.int().min(500).max(120_000).default(5_000),
  drainDeadlineMs: z.int().min(1000).max(3_600_000).default(60_000),
  /** The newest workspaces first. */
  recentWorkspaces: z.array(z.string().max(4096)).max(20).default([]),
  animate: z.boolean().default(true),
});
export type Settings = z.infer<typeof settingsSchema>;

const { theme, downloadFolder, startDeadlineMs, stopDeadlineMs, drainDeadlineMs, recentWorkspaces, animate } =
  settingsSchema.shape;
/** A change of some settings. (`settingsSchema.partial()` would set what is left out back to its default.) */
export const settingsChangeSchema = z
  .object({
    theme: theme.unwrap(),
    downloadFolder: downloadFolder.unwrap(),
    startDeadlineMs: startDeadlineMs.unwrap(),
    stopDeadlineMs: stopDeadlineMs.unwrap(),
    drainDeadlineMs: drainDeadlineMs.unwrap(),
    recentWorkspaces: recentWorkspaces.unwrap(),
    animate: animate.unwrap(),
  })
  .partial();
