/** One download of this peer, whichever way its bytes come. */
import type { Priority } from '../../contract/priority';
import type { HolderInfo } from '../../protocol/p2p-messages';
import type { Folder, OperationScope } from '../../runtime/context';
import type { PeerDownload, PeerDownloadResult } from './manifest';

export interface DownloadJob {
  name: string;
  folder: Folder;
  /** Path of the unfinished file. */
  partial: string;
  /** Keep the unfinished file when it is cancelled. */
  keepPartial: boolean;
  /** In our own folder: it is shared when it is finished. */
  own: boolean;
  /** What is there of it is shared already: it is in our own folder, and not there in full under this name. */
  shared: boolean;
  scope: OperationScope;
  /** Bytes per second; 0: no limit. */
  limit: number;
  /** Undefined: as it was when it was last begun, or else normal. */
  priority: Priority | undefined;
  /** Peers that are used at once, at most. */
  maxSources: number;
  /** Fires when it is over. */
  ended: AbortSignal;
}

/** Fetches the file of a job from those who have it. */
export interface Fetching {
  /** Leaves the finished file in its folder. @throws StudioError, or the signal's reason */
  run(holders: readonly HolderInfo[]): Promise<PeerDownloadResult>;
  view(): PeerDownload;
}

/** What there is to see of a download before a byte of it has come. */
export function viewOfWaiting({ name, limit, priority = 'normal' }: DownloadJob): PeerDownload {
  return {
    name,
    phase: 'waiting',
    bytes: 0,
    size: 0,
    bytesPerSecond: 0,
    wasted: 0,
    limit,
    priority,
    sources: [],
    pieces: { perCell: 1, count: 0, from: [], availability: [] },
  };
}
