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

/** A link takes faults of links; a node those of nodes, and those of links for all its traffic. */
export function offersAt(place: FaultPlace): Offer[] {
  const link = { group: 'Traffic', items: faults.filter(isLinkFault) };
  if ('link' in place) return [link];
  return [{ group: 'Process and disk', items: faults.filter((fault) => !isLinkFault(fault)) }, link];
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

/** The ten commonest, for the context menu. */
export function commonAt(place: FaultPlace): FaultDefinition[] {
  const kinds = 'link' in place ? commonOnLinks : commonOnNodes;
  return kinds.flatMap((kind) => faults.find((fault) => fault.kind === kind) ?? []);
}

/** Presets that make sense for nodes of these kinds. */
export function presetsFor(kinds: readonly string[]) {
  return presets.filter((preset) => kinds.every((kind) => !preset.kinds || preset.kinds.includes(kind)));
}
