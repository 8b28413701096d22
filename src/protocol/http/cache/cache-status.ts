import { formatString } from '../structured-field';

/** Why a request went to the origin (RFC 9211, section 2.2). */
export type ForwardReason =
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  | 'miss'
  | 'request'
  | 'stale'
  | 'partial';

/** How one request was handled, as Cache-Status tells it (RFC 9211). */
export interface CacheStatus {
  hit: boolean;
  forward?: ForwardReason;
  /** Status of the origin's reply. */
  forwardStatus?: number;
  /** The origin's reply was stored. */
  stored?: boolean;
  /** The request waited for another one's reply. */
  collapsed?: boolean;
  /** Remaining freshness, seconds; negative when stale. */
  ttl?: number;
  /** In words for a person. */
  detail?: string;
}

/** One member of Cache-Status. */
export function formatCacheStatus(cache: string, status: CacheStatus): string {
  let text = cache;
  if (status.hit) text += '; hit';
  if (status.forward !== undefined) text += `; fwd=${status.forward}`;
  if (status.forwardStatus !== undefined) text += `; fwd-status=${status.forwardStatus}`;
  if (status.ttl !== undefined) text += `; ttl=${Math.trunc(status.ttl)}`;
  if (status.stored) text += '; stored';
  if (status.collapsed) text += '; collapsed';
  if (status.detail !== undefined) text += `; detail=${formatString(status.detail)}`;
  return text;
}
