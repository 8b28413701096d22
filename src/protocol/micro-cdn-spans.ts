/**
 * What our own Micro-CDN programs say to one another for a download from several servers at once. Like the
 * other extensions, none of it is sent to a program that has not announced it.
 *
 * - index, `holders`: `HOLDERS <name>` → `HOLDER <ip> <tcp port> <server id> <size> <feature>…` for each live
 *   holder, the least loaded first, then `END`.
 * - content server, `spans`: `SPAN <offset> <length> <name>` → `SPAN <offset> <length> <size>` and exactly
 *   `length` bytes; `HASHES <name>` → `HASHES <size> <piece size> <count>` and 32 bytes of SHA-256 for each
 *   piece. Any number of them on one connection, answered in order. An error ends the connection.
 */
import { isWord, wholeNumber, wireLine, word } from './micro-cdn';

export interface SpanRequest {
  type: 'span';
  offset: number;
  length: number;
  name: string;
}
export interface HashesRequest {
  type: 'hashes';
  name: string;
}

/** One holder of a file, as the index knows it. */
export interface HolderRow {
  host: string;
  tcpPort: number;
  serverId: string;
  /** Bytes. */
  size: number;
  features: string[];
}

/** Bytes of a file in one span, at most. */
export const MAX_SPAN_BYTES = 4 * 1024 * 1024;
export const PIECE_HASH_BYTES = 32;

/** Null when the line is neither. */
export function parseSpanRequest(line: string): SpanRequest | HashesRequest | 'malformed' | null {
  if (line.startsWith('HASHES ')) {
    const name = line.slice('HASHES '.length);
    return name === '' ? 'malformed' : { type: 'hashes', name };
  }
  if (!line.startsWith('SPAN ')) return null;
  const [, offsetText = '', lengthText = ''] = line.split(' ', 3);
  const name = line.slice('SPAN '.length + offsetText.length + lengthText.length + 2);
  const offset = wholeNumber(offsetText);
  const length = wholeNumber(lengthText);
  if (offset === null || length === null || length > MAX_SPAN_BYTES || name === '') return 'malformed';
  return { type: 'span', offset, length, name };
}

export function parseSpanAnswer(line: string): { offset: number; length: number; size: number } | null {
  const [command, ...numbers] = line.split(' ');
  const [offset = null, length = null, size = null] = numbers.map(wholeNumber);
  if (command !== 'SPAN' || numbers.length !== 3 || offset === null || length === null || size === null)
    return null;
  return { offset, length, size };
}

export function parseHashesAnswer(line: string): { size: number; pieceSize: number; count: number } | null {
  const [command, ...numbers] = line.split(' ');
  const [size = null, pieceSize = null, count = null] = numbers.map(wholeNumber);
  if (command !== 'HASHES' || numbers.length !== 3 || size === null || pieceSize === null || count === null)
    return null;
  return { size, pieceSize, count };
}

/** The name that HOLDERS asks about; null when the line is something else. */
export function parseHoldersQuestion(line: string): string | null {
  return line.startsWith('HOLDERS ') && line.length > 'HOLDERS '.length
    ? line.slice('HOLDERS '.length)
    : null;
}

/** 'end' after the last one; null when the line is neither. */
export function parseHolder(line: string): HolderRow | 'end' | null {
  if (line === 'END') return 'end';
  const [command, host, portText, serverId, sizeText, ...features] = line.split(' ');
  const tcpPort = wholeNumber(portText);
  const size = wholeNumber(sizeText);
  const sound = command === 'HOLDER' && isWord(host) && isWord(serverId) && features.every(isWord);
  if (!sound || tcpPort === null || tcpPort < 1 || tcpPort > 65_535 || size === null) return null;
  return { host, tcpPort, serverId, size, features };
}

export const spans = {
  holders: (name: string) => wireLine(`HOLDERS ${name}`),
  holder: ({
    host,
    tcpPort,
    serverId,
    size,
    features,
  }: Omit<HolderRow, 'features'> & { features: readonly string[] }) =>
    wireLine(['HOLDER', word(host), tcpPort, word(serverId), size, ...features.map(word)].join(' ')),
  span: (offset: number, length: number, name: string) => wireLine(`SPAN ${offset} ${length} ${name}`),
  spanAnswer: (offset: number, length: number, size: number) => `SPAN ${offset} ${length} ${size}\n`,
  hashes: (name: string) => wireLine(`HASHES ${name}`),
  hashesAnswer: (size: number, pieceSize: number, count: number) => `HASHES ${size} ${pieceSize} ${count}\n`,
} as const;
