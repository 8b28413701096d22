import type { Decision } from '../../../../nodes/index-server/manifest';
import type { Lookup } from '../../../panel-state';

/**
 * The decision that a download followed: the nearest in time that chose its server, or, where none did, the nearest.
 * A download that failed over has several, and its time is that of the first.
 * @param decisions of its file
 */
export function decisionOf({ at, serverId }: Lookup, decisions: readonly Decision[]): Decision | undefined {
  const chose = decisions.filter(({ winner }) => winner === serverId);
  const distance = (decision: Decision): number => Math.abs(decision.at - at);
  return [...(chose.length > 0 ? chose : decisions)].sort((a, b) => distance(a) - distance(b))[0];
}
