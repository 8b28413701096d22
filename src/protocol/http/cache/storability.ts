import type { Fields } from '../fields';
import { endToEndFields } from '../hop-by-hop';
import { isUnderstood } from '../status';
import { type Directives, isUnqualified, namedFields } from './cache-control';
import { isHeuristicallyCacheable, type Lifetime } from './freshness';
import type { ReplyControl } from './targeted';
import { varyNames } from './vary';

/** Why a reply is not stored, in words for a person; null when it may be. */
export type Refusal = string | null;

export interface StorabilityInput {
  method: string;
  requestFields: Fields;
  requestDirectives: Directives;
  status: number;
  fields: Fields;
  control: ReplyControl;
  lifetime: Lifetime;
  /** The reply names its own URI in Content-Location: what makes a POST storable (RFC 9110, section 9.3.3). */
  describesTarget: boolean;
}

/** What a request's own conditions or Range came to: of no use to others, who may ask for the same without. */
const ofOneRequest = new Set([412, 416]);

/** The rules of a shared cache on storing (RFC 9111, section 3, and 3.5 on Authorization). */
export function storageRefusal(input: StorabilityInput): Refusal {
  const { method, status, fields, control, lifetime } = input;
  const { directives } = control;
  if (method === 'POST') {
    if (!lifetime.explicit || !input.describesTarget || status >= 300)
      return 'a reply to POST without Content-Location';
  } else if (method !== 'GET') return `a reply to ${method}`;
  // No part of the key: an origin that heeds it would answer those who ask without it (RFC 9110, section 9.3.1).
  if (method === 'GET' && hasContent(input.requestFields)) return 'the request had content';
  if (ofOneRequest.has(status)) return `status ${status} is for this request alone`;
  if (status < 200 || status === 304) return `status ${status} has no content of its own`;
  if (input.requestDirectives.has('no-store')) return 'the request says no-store';
  if (directives.has('must-understand')) {
    if (!isUnderstood(status)) return `must-understand, and status ${status} is not known`;
  } else if (directives.has('no-store')) return 'no-store';
  if (isUnqualified(directives, 'private')) return 'private';
  if (input.requestFields.has('authorization') && !mayBeShared(directives))
    return 'the request had credentials';
  if (varyNames(fields) === '*') return 'Vary: *';
  if (!isDeclaredCacheable(input)) return `status ${status} without a lifetime`;
  if (!isUseful(input)) return 'neither a lifetime nor a validator';
  return null;
}

function hasContent(request: Fields): boolean {
  return request.has('transfer-encoding') || (request.first('content-length') ?? '0') !== '0';
}

/** Something says that it may be stored: the origin, or a status that is cacheable by default (RFC 9111, section 3). */
function isDeclaredCacheable({ status, lifetime, control: { directives } }: StorabilityInput): boolean {
  return (
    lifetime.explicit ||
    isHeuristicallyCacheable(status) ||
    directives.has('public') ||
    grantsStale(directives)
  );
}

/** What is never fresh, can't be validated and may not be used stale would only take up room. */
function isUseful({ lifetime, fields, control: { directives } }: StorabilityInput): boolean {
  return lifetime.ms > 0 || fields.has('etag') || fields.has('last-modified') || grantsStale(directives);
}

function grantsStale(directives: Directives): boolean {
  return directives.has('stale-while-revalidate') || directives.has('stale-if-error');
}

/** Whether a reply to a request with credentials may answer others (RFC 9111, section 3.5). */
export function mayBeShared(directives: Directives): boolean {
  return directives.has('public') || directives.has('must-revalidate') || directives.has('s-maxage');
}

/**
 * The fields to store (RFC 9111, section 3.1): none of the connection's, and none that the origin allows only
 * to one user (`private="…"`) or only after validation (`no-cache="…"`).
 */
export function storedFields(fields: Fields, directives: Directives): Fields {
  const kept = endToEndFields(fields);
  for (const name of [...namedFields(directives, 'private'), ...namedFields(directives, 'no-cache')])
    kept.delete(name);
  return kept.delete('age').delete('trailer');
}
