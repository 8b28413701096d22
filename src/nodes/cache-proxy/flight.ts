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
  readonly route: Route;
  /** Of the client's request: for Vary and the rules of storing. */
  readonly method: string;
  readonly requestFields: Fields;
  readonly directives: Directives;
  readonly reason: ForwardReason;
  /** Why the origin is asked, for people. */
  readonly why: string;
  /** The first is the one it was launched for; none: in the background. */
  waiters: Pending[];
  /** The stored reply that it asks about. */
  validates: Entry | undefined;
  /** The partial reply whose missing bytes it asks for. */
  completes: Entry | undefined;
  /** Unix ms. */
  requestedAt = 0;
  /** The moment on the scale of `PurgeMarks`. */
  launchedAt = 0;
  call: UpstreamCall | undefined;
  entry: Entry | undefined;
  content: ArrivingContent | undefined;
  /** The content is gathered besides, and handed over as a whole. */
  gathers: { parts: Uint8Array[]; done(bytes: Uint8Array): void } | undefined;
  /** The content is of no use. */
  discards = false;

  constructor(pending: Pending, reason: ForwardReason, why: string, background = false) {
    this.route = pending.route;
    this.method = pending.exchange.head.method;
    this.requestFields = pending.exchange.head.fields;
    this.directives = pending.directives;
    this.waiters = background ? [] : [pending];
    this.reason = reason;
    this.why = why;
  }

  get key(): string {
    return this.route.key;
  }
}
