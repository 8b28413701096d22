/** Well-known troubles, one click each: which faults they consist of, and what one will see. */
import type { FaultSpec } from '../contract/fault';

/** What a preset needs to know of a node. */
export interface PresetNode {
  id: string;
  kind: string;
}

/** A fault without its identity. */
export type FaultDraft = Omit<FaultSpec, 'id' | 'enabled' | 'since'>;

export interface Preset {
  id: string;
  label: string;
  /** One sentence: what will be seen. */
  observe: string;
  /** Kinds it can be set on; absent: any. */
  kinds?: readonly string[];
  /** @param chosen the nodes it is set on @param others the rest of the workspace */
  faults(chosen: readonly PresetNode[], others: readonly PresetNode[]): FaultDraft[];
}

export const presets: readonly Preset[] = [
  {
    id: 'hung-server',
    label: 'Hung server',
    observe:
      'It keeps its sockets and answers nothing: clients wait for their time-out, then ask another server.',
    faults: (chosen) => chosen.map((node) => draft(node, 'hang')),
  },
  {
    id: 'flaky-wifi',
    label: 'Flaky Wi-Fi',
    observe:
      'Delays jump about, one datagram in twenty is lost in short bursts, and now and then all stands still.',
    faults: (chosen) =>
      chosen.flatMap((node) => [
        draft(node, 'latency', { delay: 8, jitter: 25, distribution: 'heavy' }),
        draft(node, 'loss', { percent: 5, burst: 3 }),
        { ...draft(node, 'partition'), schedule: { afterMs: 8000, onMs: 700, offMs: 12_000 } },
      ]),
  },
  {
    id: 'trans-atlantic',
    label: 'Trans-Atlantic link',
    observe: 'Every answer takes 80 ms longer, and a single transfer comes at 12 MB/s at most.',
    faults: (chosen) =>
      chosen.flatMap((node) => [
        draft(node, 'latency', { delay: 40, jitter: 2, distribution: 'normal' }),
        draft(node, 'bandwidth', { rate: 12_000 }),
      ]),
  },
  {
    id: 'split-brain',
    label: 'Split brain',
    observe: 'The chosen nodes and the rest no longer hear each other; each side takes the other for dead.',
    faults: partitionBetween,
  },
  {
    id: 'slow-disk',
    label: 'Slow disk',
    observe: 'Transfers crawl at 2 MB/s although the network is fine, and heartbeats look healthy.',
    faults: (chosen) => chosen.map((node) => draft(node, 'slow-disk', { delay: 30, rate: 2 })),
  },
  {
    id: 'deaf-monitor',
    label: 'Monitor deaf to one server',
    observe:
      'The monitor hears nothing of a healthy server, declares it dead, and clients are sent elsewhere.',
    kinds: ['content-server'],
    faults: (chosen, others) => towardsMonitors(chosen, others, { percent: 100 }),
  },
  {
    id: 'false-death',
    label: 'False death',
    observe:
      'One heartbeat in five is lost: by chance two in a row go missing within minutes, and a fixed time-out of 8 s kills a healthy server.',
    kinds: ['content-server'],
    faults: (chosen, others) => towardsMonitors(chosen, others, { percent: 20 }),
  },
];

/** Nothing passes between the two groups, in either direction. One fault for each node. */
export function partitionBetween(group: readonly PresetNode[], rest: readonly PresetNode[]): FaultDraft[] {
  const cutOff = (node: PresetNode, from: readonly PresetNode[]): FaultDraft => ({
    ...draft(node, 'partition'),
    scope: { peers: from.map(({ id }) => id) },
  });
  if (group.length === 0 || rest.length === 0) return [];
  // Each connection is opened by one of its ends, and only that end knows where the other listens.
  return [...group.map((node) => cutOff(node, rest)), ...rest.map((node) => cutOff(node, group))];
}

function towardsMonitors(
  chosen: readonly PresetNode[],
  others: readonly PresetNode[],
  params: Record<string, unknown>,
): FaultDraft[] {
  const monitors = others.filter(({ kind }) => kind === 'monitor');
  return chosen.flatMap((server) =>
    monitors.map((monitor) => ({
      ...draft(server, 'loss', params),
      scope: { peer: monitor.id, transport: 'udp', direction: 'out', messages: ['HEARTBEAT'] },
    })),
  );
}

function draft(node: PresetNode, kind: string, params: Record<string, unknown> = {}): FaultDraft {
  return { kind, node: node.id, scope: {}, params };
}
