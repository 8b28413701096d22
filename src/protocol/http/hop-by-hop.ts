import type { Fields } from './fields';
import { listMembers } from './syntax';

/** Fields that concern one connection, and those of the proxy itself (RFC 9110, section 7.6.1; RFC 9111, section 3.1). */
const connectionFields = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
]);

/**
 * Fields that mean nothing, or something dangerous, after the content: those of framing, routing, authentication, of
 * how to treat the request or the reply, and of what the content is (RFC 9110, section 6.5.1).
 */
const neverInTrailers = new Set([
  ...['content-length', 'content-encoding', 'content-type', 'content-range', 'trailer', 'host'],
  ...['authorization', 'www-authenticate', 'cookie', 'set-cookie'],
  ...['cache-control', 'expect', 'max-forwards', 'pragma', 'range'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['age', 'date', 'expires', 'location', 'retry-after', 'vary'],
]);

/** The trailers that may be sent on. */
export function trailersToSend(trailers: Fields): Fields {
  return endToEndFields(trailers).copy((name) => !neverInTrailers.has(name));
}

/** A copy for the next hop, without what concerned the last one. */
export function endToEndFields(fields: Fields): Fields {
  const nominated = fields.get('connection');
  const named = nominated === undefined ? [] : listMembers(nominated.toLowerCase());
  return fields.copy((name) => !connectionFields.has(name) && !named.includes(name));
}

/** Appends ourselves to Via (RFC 9110, section 7.6.3). */
export function addVia(fields: Fields, minor: number, pseudonym: string): void {
  const before = fields.get('via');
  fields.set('Via', `${before === undefined ? '' : `${before}, `}1.${minor} ${pseudonym}`);
}

/** How often the message has been with proxies of that name: many times in a loop. */
export function countInVia(fields: Fields, pseudonym: string): number {
  const via = fields.get('via');
  if (via === undefined) return 0;
  return listMembers(via).filter((member) => member.split(/[ \t]+/)[1] === pseudonym).length;
}
