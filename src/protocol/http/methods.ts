/** Methods that only read (RFC 9110, section 9.2.1). Any other, known or not, may change something. */
const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function isSafe(method: string): boolean {
  return safe.has(method);
}

/** A request that may be sent again when it is not known what became of it (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return isSafe(method) || method === 'PUT' || method === 'DELETE';
}
