import type { TransferView } from '../contract/events';

/** The value for the taskbar's progress bar, 0 to 1; −1 hides it, 2 says "busy" while sizes are unknown. */
export function overallProgress(transfers: Iterable<TransferView>): number {
  let bytes = 0;
  let size = 0;
  let unknown = false;
  let active = false;
  for (const transfer of transfers) {
    if (!['waiting', 'running', 'verifying'].includes(transfer.phase)) continue;
    active = true;
    if (transfer.size === undefined) unknown = true;
    bytes += transfer.bytes;
    size += transfer.size ?? 0;
  }
  if (!active) return -1;
  return size === 0 ? (unknown ? 2 : 1) : bytes / size;
}
