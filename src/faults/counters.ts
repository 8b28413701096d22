/** Names of the counters in which a node tells how often a fault has met a datagram, and how many were lost. */
export function faultCounters(id: string): { met: string; lost: string } {
  return { met: `fault ${id} met`, lost: `fault ${id} lost` };
}
