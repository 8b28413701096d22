import type { Directives } from '../../protocol/http/cache/cache-control';
import type { ForwardReason } from '../../protocol/http/cache/cache-status';
import type { Fields } from '../../protocol/http/fields';
import type { Exchange } from '../shared/http/exchange';
import type { UpstreamCall } from '../shared/http/upstream';
import type { ArrivingContent } from './content';
import type { Entry } from './entry';
import type { Route } from './route';

/** A client's request that has not been answered yet. */
export interface Pending {
  exchange: Exchange;
  route: Route;
  directives: Directives;
  /** It has waited for another's reply in vain, and asks for itself. */
  solo: boolean;
  /** It waits for another's reply. */
  collapsed: boolean;
}

/** One request to an origin, and those who wait for its reply. */
export class Flight {
  readonly key: string;
  readonly reason: ForwardReason;
  /** Why the origin is asked, for people. */
  readonly why: string;
  method = 'GET';
  /** The first is the one it was launched for; none: in the background. */
  waiters: Pending[];
  /** The stored reply that it asks about. */
  validates: Entry | undefined;
  /** The partial reply whose missing bytes it asks for. */
  completes: Entry | undefined;
  /** Of the client's request, for Vary and the rules of storing. */
  requestFields: Fields | undefined;
  directives: Directives | undefined;
  /** Unix ms. */
  requestedAt = 0;
  /** False: purged meanwhile, so the reply may be of before. */
  storable = true;
  call: UpstreamCall | undefined;
  entry: Entry | undefined;
  content: ArrivingContent | undefined;
  /** The content is gathered besides, or instead, and handed over as a whole. */
  collects: { bytes: Uint8Array[]; done(bytes: Uint8Array): void } | undefined;
  mode: 'normal' | 'discard' = 'normal';

  constructor(key: string, first: Pending | undefined, reason: ForwardReason, why: string) {
    this.key = key;
    this.waiters = first ? [first] : [];
    this.reason = reason;
    this.why = why;
  }
}
