/**
 * Metalink 4 (RFC 5854): a file, its size and hashes, and everywhere it can be downloaded from. And the same in
 * HTTP fields (RFC 6249): `Link: <…>; rel=duplicate`.
 */
import { listMembers, unquote } from './http/syntax';
import { escapeXml, parseXml, type XmlElement, XmlError } from './xml';

export const METALINK_TYPE = 'application/metalink4+xml';
const NAMESPACE = 'urn:ietf:params:xml:ns:metalink';
const LOWEST_PRIORITY = 999_999;

/** The hash functions that are understood, strongest first, by their names in IANA's registry. */
export const hashNames = ['sha-512', 'sha-256', 'sha-1', 'md5'] as const;
export type HashName = (typeof hashNames)[number];
const hexDigits: Record<HashName, number> = { 'sha-512': 128, 'sha-256': 64, 'sha-1': 40, md5: 32 };

export interface MetalinkFile {
  name: string;
  size: number | null;
  /** Lower-case hex, by function. */
  hashes: Partial<Record<HashName, string>>;
  /** One hash for each piece of `length` bytes, the last piece shorter. */
  pieces: { hash: HashName; length: number; hex: string[] } | null;
  /** Most preferred first. */
  urls: MetalinkUrl[];
}

export interface MetalinkUrl {
  url: string;
  /** 1 is the most preferred, 999999 the least. */
  priority: number;
  /** ISO 3166 code of the country. */
  location?: string;
}

/** @throws XmlError when it is no Metalink 4, or holds no file that could be downloaded */
export function parseMetalink(text: string): MetalinkFile[] {
  const root = parseXml(text);
  if (root.name !== 'metalink') throw new XmlError('This is no metalink document.');
  const files = root.children.filter(({ name }) => name === 'file').map(readFile);
  if (files.length === 0) throw new XmlError('The metalink names no file.');
  return files;
}

function readFile(element: XmlElement): MetalinkFile {
  const name = element.attributes.name ?? '';
  const unsafe = name === '' || name.startsWith('/') || /[\\\0]/.test(name) || name.split('/').includes('..');
  // RFC 5854, section 4.1.2.1: no directory traversal.
  if (unsafe) throw new XmlError(`"${name}" is no name for a file.`);
  const texts = (child: string): XmlElement[] => element.children.filter((one) => one.name === child);
  const size = texts('size')[0]?.text.trim();
  const hashes: MetalinkFile['hashes'] = {};
  for (const { attributes, text } of texts('hash')) {
    const hash = readHash(attributes.type, text);
    if (hash) hashes[hash.name] = hash.hex;
  }
  return {
    name,
    size: size !== undefined && /^\d{1,16}$/.test(size) ? Number(size) : null,
    hashes,
    pieces: readPieces(texts('pieces')),
    urls: texts('url')
      .map(readUrl)
      .sort((a, b) => a.priority - b.priority),
  };
}

function readUrl({ attributes, text }: XmlElement): MetalinkUrl {
  const priority = Number(attributes.priority ?? LOWEST_PRIORITY);
  const sound = Number.isInteger(priority) && priority >= 1 && priority <= LOWEST_PRIORITY;
  return {
    url: text.trim(),
    priority: sound ? priority : LOWEST_PRIORITY,
    ...(attributes.location ? { location: attributes.location } : {}),
  };
}

/** The strongest of the piece lists that can be understood. */
function readPieces(lists: XmlElement[]): MetalinkFile['pieces'] {
  for (const wanted of hashNames) {
    for (const { attributes, children } of lists) {
      const length = Number(attributes.length);
      if (attributes.type !== wanted || !Number.isSafeInteger(length) || length < 1) continue;
      const hashes = children
        .filter(({ name }) => name === 'hash')
        .map(({ text }) => readHash(wanted, text)?.hex);
      if (hashes.length > 0 && hashes.every((hex) => hex !== undefined))
        return { hash: wanted, length, hex: hashes };
    }
  }
  return null;
}

function readHash(type: string | undefined, text: string): { name: HashName; hex: string } | null {
  const name = hashNames.find((known) => known === type?.toLowerCase());
  const hex = text.trim().toLowerCase();
  return name && hex.length === hexDigits[name] && /^[0-9a-f]+$/.test(hex) ? { name, hex } : null;
}

export function formatMetalink(files: readonly MetalinkFile[], generator = 'Micro-CDN Studio'): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<metalink xmlns="${NAMESPACE}">`,
    `  <generator>${escapeXml(generator)}</generator>`,
  ];
  for (const { name, size, hashes, pieces, urls } of files) {
    lines.push(`  <file name="${escapeXml(name)}">`);
    if (size !== null) lines.push(`    <size>${size}</size>`);
    for (const hash of hashNames)
      if (hashes[hash]) lines.push(`    <hash type="${hash}">${hashes[hash]}</hash>`);
    if (pieces) {
      lines.push(`    <pieces length="${pieces.length}" type="${pieces.hash}">`);
      for (const hex of pieces.hex) lines.push(`      <hash>${hex}</hash>`);
      lines.push('    </pieces>');
    }
    for (const { url, priority, location } of urls) {
      const where = location ? ` location="${escapeXml(location)}"` : '';
      lines.push(`    <url${where} priority="${priority}">${escapeXml(url)}</url>`);
    }
    lines.push('  </file>');
  }
  lines.push('</metalink>', '');
  return lines.join('\n');
}

/** A link of a Link field (RFC 8288). */
export interface HttpLink {
  target: string;
  /** Lower case. */
  rel: string[];
  parameters: Record<string, string>;
}

/** Reads a Link field; members that cannot be read are left out. */
export function parseLinkField(value: string): HttpLink[] {
  return splitLinks(value).flatMap((member) => {
    const match = /^<([^>]*)>(.*)$/s.exec(member.trim());
    if (!match) return [];
    const parameters: Record<string, string> = {};
    for (const [, name, quoted, plain] of (match[2] as string).matchAll(
      /;\s*([\w!#$&+.^`|~-]+)\*?\s*(?:=\s*(?:("(?:[^"\\]|\\.)*")|([^\s;,"]+)))?/g,
    )) {
      const key = (name as string).toLowerCase();
      if (!Object.hasOwn(parameters, key)) parameters[key] = quoted ? (unquote(quoted) ?? '') : (plain ?? '');
    }
    const rel = (parameters.rel ?? '')
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    return [{ target: match[1] as string, rel, parameters }];
  });
}

/** Commas inside `<…>` and quotes separate nothing. */
function splitLinks(value: string): string[] {
  const members: string[] = [];
  let from = 0;
  let inside: '>' | '"' | null = null;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (inside === '"' && character === '\\') at++;
    else if (inside) inside = character === inside ? null : inside;
    else if (character === '<') inside = '>';
    else if (character === '"') inside = '"';
    else if (character === ',') {
      members.push(value.slice(from, at));
      from = at + 1;
    }
  }
  members.push(value.slice(from));
  return members;
}

/** Mirrors in the order of preference, as `rel=duplicate` (RFC 6249, section 3). */
export function duplicatesIn(links: readonly HttpLink[]): MetalinkUrl[] {
  return links
    .filter(({ rel }) => rel.includes('duplicate'))
    .map(({ target, parameters }) => {
      const priority = Number(parameters.pri ?? LOWEST_PRIORITY);
      return {
        url: target,
        priority:
          Number.isInteger(priority) && priority > 0 ? Math.min(priority, LOWEST_PRIORITY) : LOWEST_PRIORITY,
        ...(parameters.geo ? { location: parameters.geo } : {}),
      };
    })
    .sort((a, b) => a.priority - b.priority);
}

/** Where a Metalink document about this resource is (RFC 6249, section 4). */
export function describedBy(links: readonly HttpLink[]): string | null {
  const link = links.find(
    ({ rel, parameters }) => rel.includes('describedby') && parameters.type === METALINK_TYPE,
  );
  return link?.target ?? null;
}

/**
 * Link fields for mirrors and for the document that describes the file. One field each: aria2 reads a field as one
 * link, and would take none of a list.
 */
export function formatDuplicateLinks(urls: readonly MetalinkUrl[], metalink?: string): string[] {
  const links = urls.map(
    ({ url, priority, location }) =>
      `<${url}>; rel=duplicate; pri=${priority}${location ? `; geo=${location}` : ''}`,
  );
  if (metalink) links.push(`<${metalink}>; rel=describedby; type="${METALINK_TYPE}"`);
  return links;
}

/** The strongest digest of a Digest or Repr-Digest field (RFC 3230, RFC 9530), in hex. */
export function parseDigestField(value: string): { hash: HashName; hex: string } | null {
  const found = new Map<HashName, string>();
  for (const member of listMembers(value)) {
    const match = /^([\w-]+)=:?([A-Za-z0-9+/]+={0,2}):?$/.exec(member);
    const name = match?.[1]?.toLowerCase().replace(/^sha$/, 'sha-1');
    const hash = hashNames.find((known) => known === name);
    const hex = Buffer.from(match?.[2] ?? '', 'base64').toString('hex');
    if (hash && hex.length === hexDigits[hash]) found.set(hash, hex);
  }
  const best = hashNames.find((name) => found.has(name));
  return best ? { hash: best, hex: found.get(best) as string } : null;
}
