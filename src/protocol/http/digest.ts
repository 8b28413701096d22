import type { Fields } from './fields';
import { parseDictionary } from './structured-field';

/** Hash algorithms for digest fields that are not insecure (RFC 9530, section 5), with their names in node:crypto. */
const algorithms: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

/**
 * The algorithm that a Want-Repr-Digest or Want-Content-Digest prefers among those offered (RFC 9530, section 4):
 * the highest weight above 0. Null: no digest is wanted.
 */
export function wantedDigest(
  fields: Fields,
  name: 'want-repr-digest' | 'want-content-digest',
): { algorithm: string; hash: string } | null {
  const value = fields.get(name);
  const wanted = value === undefined ? null : parseDictionary(value);
  let best: { algorithm: string; hash: string; weight: number } | null = null;
  for (const [algorithm, { value: weight }] of wanted ?? []) {
    const hash = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
    if (hash === undefined || typeof weight !== 'number' || weight <= 0) continue;
    if (best === null || weight > best.weight) best = { algorithm, hash, weight };
  }
  return best && { algorithm: best.algorithm, hash: best.hash };
}

/** `sha-256=:…:` */
export function formatDigest(algorithm: string, digest: Uint8Array): string {
  return `${algorithm}=:${Buffer.from(digest).toString('base64')}:`;
}

/** Whether a Want-Digest asks for SHA-256: clients of RFC 6249 speak of digests as RFC 3230 does. */
export function wantsOldDigest(fields: Fields): boolean {
  const wanted = (fields.get('want-digest') ?? '').split(',');
  return wanted.some((member) => /^\s*sha-256\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(member));
}

/** `SHA-256=…` (RFC 3230, section 4.3.2; the name by RFC 5843). */
export function formatOldDigest(sha256: Uint8Array): string {
  return `SHA-256=${Buffer.from(sha256).toString('base64')}`;
}
