/** Which faults can be set where. */
import type { FaultDefinition } from '../../../faults/fault';
import { presets } from '../../../faults/presets';
import { faults } from '../../../faults/registry';
import type { FaultPlace } from '../../fault-links';

export interface Offer {
  group: string;
  items: readonly FaultDefinition[];
}

const isLinkFault = (fault: FaultDefinition): boolean => fault.targets.some((target) => target !== 'node');

/** Those that the system of the nodes can do. */
const possibleOn = (platform: string): FaultDefinition[] =>
  faults.filter(({ notOn }) => !notOn?.includes(platform));

/** A link takes faults of links; a node those of nodes, and those of links for all its traffic. */
export function offersAt(place: FaultPlace, platform: string): Offer[] {
  const possible = possibleOn(platform);
  const link = { group: 'Traffic', items: possible.filter(isLinkFault) };
  if ('link' in place) return [link];
  return [{ group: 'Process and disk', items: possible.filter((fault) => !isLinkFault(fault)) }, link];
}

const commonOnLinks = [
  'latency',
  'bandwidth',
  'loss',
  'partition',
  'black-hole',
  'reset',
  'refuse',
  'corrupt',
  'duplicate',
  'slicer',
];
const commonOnNodes = [
  'slow-answers',
  'partition',
  'latency',
  'crash-on-request',
  'freeze',
  'slow-disk',
  'disk-full',
  'wrong-content',
  'cpu-burn',
  'clock-skew',
];

/** The ten commonest, for the context menu. Several nodes are cut off together, not each from the others. */
export function commonAt(place: FaultPlace, platform: string): FaultDefinition[] {
  const kinds = 'link' in place ? commonOnLinks : commonOnNodes;
  const offered = isSeveral(place) ? kinds.filter((kind) => kind !== 'partition') : kinds;
  const possible = possibleOn(platform);
  return offered.flatMap((kind) => possible.find((fault) => fault.kind === kind) ?? []);
}

function isSeveral(place: FaultPlace): boolean {
  return 'nodes' in place && place.nodes.length > 1;
}

/** The preset that separates several nodes from all others. */
export const partitionFromRest = 'split-brain';

/** Whether there are several nodes here, and others that they could be cut off from. */
export function isSeparable(place: FaultPlace, nodesInAll: number): place is { nodes: readonly string[] } {
  return 'nodes' in place && isSeveral(place) && place.nodes.length < nodesInAll;
}

/** Presets that make sense for nodes of these kinds. */
export function presetsFor(kinds: readonly string[]) {
  return presets.filter((preset) => kinds.every((kind) => !preset.kinds || preset.kinds.includes(kind)));
}
