/** What is known about a node kind without running it: palette, form, command line, drop rules and links. */
import type { Fields } from './fields';

export type Family = 'micro-cdn' | 'replica' | 'http' | 'ring' | 'p2p';

export const familyLabels: Record<Family, string> = {
  'micro-cdn': 'Micro-CDN',
  http: 'HTTP family',
  replica: 'Replica balancer',
  ring: 'Ring',
  p2p: 'P2P sharing',
};

export interface NodeManifest {
  /** The folder's name under `src/nodes/`. */
  id: string;
  /** The sub-command of `micro-cdn`. */
  command: string;
  family: Family;
  /** 'Content server' */
  label: string;
  /** Prefix of the names of new nodes: 'CS' gives CS1, CS2, … */
  namePrefix: string;
  /** A sentence for the palette and `--help`. */
  summary: string;
  /** Name of an icon in the renderer's icon table. */
  icon: string;
  /** Layers of the automatic layout, from the left: 0 is nearest to the clients. */
  tier: number;
  fields: Fields;
  /** Names of fields that the command line takes without a flag, in order. */
  positional?: readonly string[];
  /** Default ports of the n-th node of this kind: default + n × step. */
  portStep?: number;
  /** The field that holds the folder whose files the node serves; files may be dropped on such a node. */
  filesField?: string;
  /** True where the node can fetch: `transfers.download` may use it, through its operation 'download'. */
  downloads?: boolean;
  /** True where its operations 'download' and 'control' take a priority: see `Priority`. */
  priorities?: boolean;
  /** True where its operation 'download' takes `sources`: from so many servers at once, at most. */
  sources?: boolean;
  /** True where the node knows what can be downloaded, and answers the operation 'catalogue'. */
  catalogue?: boolean;
  /** When several nodes are drained, those with a lower number are finished first; without one, at once. */
  drainOrder?: number;
  /** The automatic layout draws the nodes of this kind as a circle, in the order of their links. */
  layout?: 'circle';
  /**
   * Passes on what it gets: any link may lead to such a node instead of to the node behind it. It has one port and
   * one link for each transport.
   */
  standsIn?: boolean;
  /** Links that are opened to addresses learned while running: 'transfer' from a client to a content server. */
  dynamicLinks?: readonly { to: readonly string[]; port: string; transport: 'tcp' | 'udp'; role: string }[];
}

/** Keeps the exact types of the fields, so that `ConfigOf<typeof manifest.fields>` is exact. */
export function defineNode<const F extends Fields>(
  manifest: NodeManifest & {
    fields: F;
    positional?: readonly (keyof F & string)[];
    filesField?: keyof F & string;
  },
): NodeManifest & { fields: F } {
  return manifest;
}
