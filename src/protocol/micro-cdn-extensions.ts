/**
 * What our own programs say to one another beyond the seed protocol. None of it is sent to a program that has
 * not announced it, with two exceptions that any line protocol survives: the words after HELLO (a program that
 * minds them answers ERROR, and is then greeted plainly, and asked ever more rarely), and SERVER_UP on a connection
 * of its own, to which a foreign index answers ERROR.
 *
 * The greeting follows SMTP's EHLO (RFC 1869): `HELLO delta resume` → `WELCOME MICRO-CDN delta resume`, and what
 * both have named may be used.
 */
import { hash32 } from './hash32';
import { isWord, type Malformed, type Tolerance, wholeNumber, wireLine, word } from './micro-cdn';

/**
 * - `delta`: UPDATE, REMOVE_FILE, STATUS, DRAIN and FEATURES from a content server; names with spaces.
 * - `route`: AVOID from a client, and the features of the chosen server at the end of SERVER.
 * - `resume`: RANGE and DIGEST at a content server. An index never has it; it passes it on.
 * - `holders`: HOLDERS at an index: everybody who has a file; see `micro-cdn-spans.ts`.
 * - `spans`: SPAN and HASHES at a content server, for downloads from several servers at once.
 * - `digests`: FILE_DIGEST from a content server, and to a client, at the end of SERVER and HOLDER, the digest
 *   that the holders agree on (`sha256=…`): a client verifies by what somebody else than the sender has said, or
 *   the sender before its disk went bad.
 */
export type Feature = 'delta' | 'route' | 'resume' | 'holders' | 'spans' | 'digests';

export const indexFeatures: readonly Feature[] = ['delta', 'route', 'holders', 'digests'];
export const contentFeatures: readonly Feature[] = ['resume', 'spans'];

/** The server's files change without registering anew; ADD_FILE, REMOVE_FILE … DONE_FILES follow. */
export interface Update {
  type: 'update';
  serverId: string;
}
export interface RemoveFile {
  type: 'remove-file';
  serverId: string;
  name: string;
}
/** What the file hashed to when it was added. Follows its ADD_FILE, at any time; the next ADD_FILE voids it. */
export interface FileDigest {
  type: 'file-digest';
  serverId: string;
  /** Hex. */
  sha256: string;
  name: string;
}
/** What does the index think of me? `STATUS <id> sum` to an index that keeps digests: and what does it know? */
export interface StatusQuestion {
  type: 'status';
  serverId: string;
  sum: boolean;
}
/** No new clients for this server. */
export interface Drain {
  type: 'drain';
  serverId: string;
}
/** What the server can do for clients that ask for it. */
export interface FeaturesOf {
  type: 'features';
  serverId: string;
  features: string[];
}
/** On this connection, do not answer with these servers. */
export interface Avoid {
  type: 'avoid';
  serverIds: string[];
}
/** From the monitor: heartbeats have resumed. */
export interface ServerUp {
  type: 'server-up';
  serverId: string;
  timestamp: number;
}
export interface HelloWith {
  type: 'hello-with';
  features: string[];
}
export type IndexExtension =
  | HelloWith
  | Update
  | RemoveFile
  | FileDigest
  | StatusQuestion
  | Drain
  | FeaturesOf
  | Avoid
  | ServerUp;

/** The index about one server; `unknown` after it was restarted. */
export interface StatusAnswer {
  type: 'status-answer';
  serverId: string;
  status: 'alive' | 'dead' | 'draining' | 'unknown';
  files: number;
  /** Sum of the shares of all files that the index has of the server: see `shareOf`. Only when asked for. */
  sum?: number;
}
export type IndexExtensionAnswer =
  | StatusAnswer
  | { type: 'updating' }
  | { type: 'draining' }
  | { type: 'marked-alive' };

/** The file from `offset` on. */
export interface RangeRequest {
  type: 'range';
  offset: number;
  name: string;
}
/** SHA-256 of the first `length` bytes; null: of the whole file. */
export interface DigestRequest {
  type: 'digest';
  length: number | null;
  name: string;
}
export type ContentExtension = RangeRequest | DigestRequest;

/** `size − offset` bytes follow. */
export interface PartAnswer {
  type: 'part';
  offset: number;
  size: number;
}
export interface DigestAnswer {
  type: 'digest-answer';
  /** Bytes that were hashed, and bytes of the whole file. */
  length: number;
  size: number;
  sha256: string;
}
export type ContentExtensionAnswer = PartAnswer | DigestAnswer;

const malformed: Malformed = { type: 'malformed', reason: 'MALFORMED_COMMAND' };
const SHA256 = /^[0-9a-f]{64}$/;
const DIGEST_WORD = 'sha256=';

/** Null when the line is no extension, or extensions are not wanted. */
export function parseIndexExtension(line: string, tolerance: Tolerance): IndexExtension | Malformed | null {
  if (!tolerance.extensions) return null;
  const words = line.split(' ');
  const [command, serverId, ...rest] = words;
  switch (command) {
    case 'HELLO':
      return words.length > 1 ? { type: 'hello-with', features: words.slice(1).filter(isWord) } : null;
    case 'UPDATE':
      return isWord(serverId) && rest.length === 0 ? { type: 'update', serverId } : malformed;
    case 'STATUS': {
      const sum = rest[0] === 'sum';
      return isWord(serverId) && rest.length === Number(sum) ? { type: 'status', serverId, sum } : malformed;
    }
    case 'DRAIN':
      return isWord(serverId) && rest.length === 0 ? { type: 'drain', serverId } : malformed;
    case 'FEATURES':
      return isWord(serverId) && rest.every(isWord)
        ? { type: 'features', serverId, features: rest }
        : malformed;
    case 'AVOID':
      return words.length > 1 && words.slice(1).every(isWord)
        ? { type: 'avoid', serverIds: words.slice(1) }
        : malformed;
    case 'SERVER_UP': {
      const timestamp = wholeNumber(rest[0]);
      const complete = isWord(serverId) && timestamp !== null && rest.length === 1;
      return complete ? { type: 'server-up', serverId, timestamp } : malformed;
    }
    case 'REMOVE_FILE': {
      const name = isWord(serverId) ? line.slice(command.length + serverId.length + 2) : '';
      return isWord(serverId) && name !== '' ? { type: 'remove-file', serverId, name } : malformed;
    }
    case 'FILE_DIGEST': {
      const [sha256 = ''] = rest;
      const name = line.slice(command.length + (serverId?.length ?? 0) + sha256.length + 3);
      const complete = isWord(serverId) && SHA256.test(sha256) && name !== '';
      return complete ? { type: 'file-digest', serverId, sha256, name } : malformed;
    }
    default:
      return null;
  }
}

export function parseIndexExtensionAnswer(line: string): IndexExtensionAnswer | null {
  const words = line.split(' ');
  if (line === 'OK UPDATING') return { type: 'updating' };
  if (line === 'OK DRAINING') return { type: 'draining' };
  if (line === 'OK SERVER_MARKED_ALIVE') return { type: 'marked-alive' };
  const [command, serverId, status, filesText, sumText, ...rest] = words;
  const files = wholeNumber(filesText);
  const sum = sumText === undefined ? undefined : wholeNumber(sumText);
  if (command !== 'STATUS' || rest.length > 0 || !isWord(serverId) || files === null || sum === null)
    return null;
  if (status !== 'alive' && status !== 'dead' && status !== 'draining' && status !== 'unknown') return null;
  return { type: 'status-answer', serverId, status, files, ...(sum === undefined ? {} : { sum }) };
}

export function parseContentExtension(
  line: string,
  tolerance: Tolerance,
): ContentExtension | Malformed | null {
  if (!tolerance.extensions) return null;
  const command = line.startsWith('RANGE ') ? 'range' : line.startsWith('DIGEST ') ? 'digest' : null;
  if (command === null) return null;
  const [, count] = line.split(' ', 2) as [string, string];
  const name = line.slice(command.length + count.length + 2);
  if (name === '') return malformed;
  if (command === 'digest' && count === '*') return { type: 'digest', length: null, name };
  const bytes = wholeNumber(count);
  if (bytes === null) return malformed;
  return command === 'range'
    ? { type: 'range', offset: bytes, name }
    : { type: 'digest', length: bytes, name };
}

export function parseContentExtensionAnswer(line: string): ContentExtensionAnswer | null {
  const [command, firstText, sizeText, sha256, ...rest] = line.split(' ');
  const first = wholeNumber(firstText);
  const size = wholeNumber(sizeText);
  if (first === null || size === null || first > size || rest.length > 0) return null;
  if (command === 'PART' && sha256 === undefined) return { type: 'part', offset: first, size };
  if (command === 'DIGEST' && sha256 !== undefined && SHA256.test(sha256)) {
    return { type: 'digest-answer', length: first, size, sha256 };
  }
  return null;
}

export const extension = {
  hello: (features: readonly string[]) => wireLine(`HELLO ${features.map(word).join(' ')}`),
  welcome: (features: readonly string[]) => wireLine(['WELCOME MICRO-CDN', ...features.map(word)].join(' ')),
  update: (serverId: string) => wireLine(`UPDATE ${word(serverId)}`),
  removeFile: (serverId: string, name: string) => wireLine(`REMOVE_FILE ${word(serverId)} ${name}`),
  fileDigest: (serverId: string, name: string, sha256: string) =>
    wireLine(`FILE_DIGEST ${word(serverId)} ${word(sha256)} ${name}`),
  status: (serverId: string, sum = false) => wireLine(`STATUS ${word(serverId)}${sum ? ' sum' : ''}`),
  drain: (serverId: string) => wireLine(`DRAIN ${word(serverId)}`),
  features: (serverId: string, features: readonly string[]) =>
    wireLine(`FEATURES ${[serverId, ...features].map(word).join(' ')}`),
  avoid: (serverIds: readonly string[]) => wireLine(`AVOID ${serverIds.map(word).join(' ')}`),
  /** @param timestamp whole Unix seconds */
  serverUp: (serverId: string, timestamp: number) =>
    wireLine(`SERVER_UP ${word(serverId)} ${Math.floor(timestamp)}`),
  range: (offset: number, name: string) => wireLine(`RANGE ${offset} ${name}`),
  digest: (length: number | null, name: string) => wireLine(`DIGEST ${length ?? '*'} ${name}`),

  updating: () => 'OK UPDATING\n',
  draining: () => 'OK DRAINING\n',
  markedAlive: () => 'OK SERVER_MARKED_ALIVE\n',
  statusAnswer: ({ serverId, status, files, sum }: Omit<StatusAnswer, 'type'>) =>
    wireLine(`STATUS ${word(serverId)} ${status} ${files}${sum === undefined ? '' : ` ${sum}`}`),
  /** SERVER with the features of the chosen server, for a client that has named `route`. */
  serverWith: (serverLine: string, features: readonly string[]) =>
    features.length === 0 ? serverLine : wireLine(`${serverLine.trimEnd()} ${features.map(word).join(' ')}`),
  part: (offset: number, size: number) => `PART ${offset} ${size}\n`,
  digestAnswer: ({ length, size, sha256 }: Omit<DigestAnswer, 'type'>) =>
    `DIGEST ${length} ${size} ${sha256}\n`,
} as const;

/**
 * One file's share in the sum by which a server and its index compare what they know: a line that was damaged on its
 * way, and still made sense, is found out by it. Sums are modulo 2³², in whatever order files come and go.
 */
export function shareOf(name: string, size: number, sha256: string | undefined): number {
  return hash32(`${size} ${sha256 ?? '-'} ${name}`);
}

/** The features of a server, and what the index knows a file to hash to, as words of one line. */
export function withDigest(features: readonly string[], sha256: string | undefined): readonly string[] {
  return sha256 === undefined ? features : [...features, DIGEST_WORD + sha256];
}

/** Takes the digest out of the words of a SERVER or HOLDER line. Undefined: the index knows none. */
export function splitDigest(words: readonly string[]): { features: string[]; sha256?: string } {
  const features = words.filter((each) => !each.startsWith(DIGEST_WORD));
  const sha256 = words.find((each) => each.startsWith(DIGEST_WORD))?.slice(DIGEST_WORD.length);
  return sha256 !== undefined && SHA256.test(sha256) ? { features, sha256 } : { features };
}

/**
 * What an answer to HELLO shows of who gave it. 'ours': it names some of the features that were `named`.
 * 'foreign': it speaks the seed protocol. 'unclear': neither; it has a way of its own, or the answer was damaged.
 */
export function judgeWelcome(
  line: string,
  named: readonly Feature[],
): { from: 'ours' | 'foreign' | 'unclear'; features: Feature[] } {
  const [welcome, name, ...words] = line.split(' ');
  if (welcome === 'ERROR') return { from: 'foreign', features: [] };
  const features = shared(words, named);
  if (welcome !== 'WELCOME' || name !== 'MICRO-CDN' || features.length !== words.length)
    return { from: 'unclear', features: [] };
  return { from: features.length > 0 ? 'ours' : 'foreign', features };
}

/** The features that both sides have named. */
export function shared(offered: readonly string[], known: readonly Feature[]): Feature[] {
  return known.filter((feature) => offered.includes(feature));
}
