/**
 * Who may download from us now. With more who ask than there are slots, the slots go around, so that nobody
 * starves; those who give us something are served first (Cohen, "Incentives Build Robustness in
 * BitTorrent", 2003), but never in the last slot, through which newcomers get something to give.
 */

/** How long a slot is kept before it goes around. */
export const TURN_MS = 2000;

export interface UploadPeer {
  id: string;
  /** What it sends us, bytes per second. */
  givesPerSecond: number;
  /** Since when it has a slot; null when it waits. */
  unchokedAt: number | null;
  /** Since when it waits. */
  waitingSince: number;
}

/** The ids that have a slot from now on, of those who want something. */
export function chooseUnchoked(peers: readonly UploadPeer[], slots: number, now: number): Set<string> {
  if (peers.length <= slots) return new Set(peers.map(({ id }) => id));
  const chosen = new Set<string>();
  const givers = peers
    .filter(({ givesPerSecond }) => givesPerSecond > 0)
    .sort((a, b) => b.givesPerSecond - a.givesPerSecond);
  for (const { id } of givers.slice(0, slots - 1)) chosen.add(id);

  const others = peers.filter(({ id }) => !chosen.has(id)).sort((a, b) => urgency(a, now) - urgency(b, now));
  for (const { id } of others.slice(0, slots - chosen.size)) chosen.add(id);
  return chosen;
}

/** Lower comes first: a turn that has not ended, then the longest wait, then turns that have ended. */
function urgency({ unchokedAt, waitingSince }: UploadPeer, now: number): number {
  if (unchokedAt === null) return waitingSince - now;
  return now - unchokedAt < TURN_MS ? Number.NEGATIVE_INFINITY : now - unchokedAt;
}
