/**
 * The seed's P2P texts. There are no terminators: **one receive is one message**, so nothing here may send a
 * trailing newline, and a reader has to guess where a long message ends (see `p2p-seed-session.ts`).
 */
import type { Endpoint } from '../contract/endpoint';

/** What the index answers to `register`, `update` and `delete`: the peer sends its names next. */
export const SEND_FILES = 'SEND FILES';
export const NO_HOLDERS = 'No Registered Nodes host that file';
/** What a peer answers to a name it does not have, and the asker's answer to that. */
export const NOT_FOUND = 'ERROR';
export const NOT_FOUND_SEEN = 'Error received';
/** The asker's answer to size and md5; the raw bytes follow. */
export const SPEC_SEEN = 'File specs received';

const LIST_HEAD = '\nFiles hosted: \n \n';
const SEPARATOR = '<SEP>';
/** A file's size in decimal has at most this many digits (2⁵³ has 16). */
const MAX_SIZE_DIGITS = 16;

export type SeedCommand =
  /** The peer's listening port; its address is that of the connection. */
  | { type: 'register'; port: number }
  | { type: 'update' }
  /** What is deleted is not read: the list that follows says what is left. */
  | { type: 'delete' }
  | { type: 'unregister' }
  | { type: 'get_files_list' }
  | { type: 'download'; name: string }
  | { type: 'unknown'; text: string };

/** Reads one command. Surrounding white space is tolerated: some peers add a newline. */
export function parseSeedCommand(received: string): SeedCommand {
  const text = received.trim();
  const register = /^register\s+(\d{1,5})$/.exec(text);
  if (register) {
    const port = Number(register[1]);
    return port >= 1 && port <= 65_535 ? { type: 'register', port } : { type: 'unknown', text };
  }
  if (text === 'update' || text === 'unregister' || text === 'get_files_list') return { type: text };
  if (text === 'delete' || text.startsWith('delete ')) return { type: 'delete' };
  const download = /^download\s+(.+)$/s.exec(text);
  if (download) return { type: 'download', name: download[1] as string };
  return { type: 'unknown', text };
}

/** The list that answers `get_files_list`; the asker's own files are left out by the caller. */
export function formatSeedFileList(names: readonly string[]): string {
  return LIST_HEAD + names.join('\n');
}

/** The names of such a list; null when the text is none. */
export function parseSeedFileList(text: string): string[] | null {
  if (!text.startsWith(LIST_HEAD)) return null;
  return text
    .slice(LIST_HEAD.length)
    .split('\n')
    .filter((name) => name.trim() !== '');
}

export interface SeedHolder {
  /** Where its connection to the index comes from: the address counts, the port does not. */
  connection: Endpoint;
  /** Where it serves files. */
  port: number;
}

/** Python's text of `[str((host, port)), str(listening port)]` for each holder, joined by a space. */
export function formatSeedHolders(holders: readonly SeedHolder[]): string {
  if (holders.length === 0) return NO_HOLDERS;
  return holders
    .map(({ connection, port }) => `["('${connection.host}', ${connection.port})", '${port}']`)
    .join(' ');
}

/** The addresses in such an answer; empty for "No Registered Nodes …", null when the text is neither. */
export function parseSeedHolders(text: string): Endpoint[] | null {
  if (text.trim() === NO_HOLDERS) return [];
  const holders: Endpoint[] = [];
  for (const [, host, port] of text.matchAll(/\["\('([^']+)', \d+\)", '(\d{1,5})'\]/g)) {
    const number = Number(port);
    if (number >= 1 && number <= 65_535) holders.push({ host: host as string, port: number });
  }
  return holders.length > 0 ? holders : null;
}

/** Size in bytes and md5 in lower-case hex. */
export interface SeedFileSpec {
  size: number;
  md5: string;
}

export function formatSeedFileSpec({ size, md5 }: SeedFileSpec): string {
  return `${size}${SEPARATOR}${md5}`;
}

/** 'incomplete': more has to be received. Null: this is no such text. */
export function parseSeedFileSpec(text: string): SeedFileSpec | 'missing' | 'incomplete' | null {
  if (text === NOT_FOUND) return 'missing';
  const match = /^(\d+)<SEP>([0-9a-fA-F]{32})$/.exec(text);
  if (match) {
    const size = Number(match[1]);
    return Number.isSafeInteger(size) ? { size, md5: (match[2] as string).toLowerCase() } : null;
  }
  return couldBecomeSpec(text) ? 'incomplete' : null;
}

function couldBecomeSpec(text: string): boolean {
  if (NOT_FOUND.startsWith(text)) return true;
  const digits = /^\d*/.exec(text)?.[0].length ?? 0;
  const rest = text.slice(digits);
  if (digits === 0 || digits > MAX_SIZE_DIGITS) return false;
  return SEPARATOR.startsWith(rest) || /^<SEP>[0-9a-fA-F]{0,31}$/.test(rest);
}

/** The names that a peer sends after SEND FILES. A name with a space cannot be told from two names. */
export function parseSeedNames(text: string): string[] {
  return text.split(/\s+/).filter((name) => name !== '');
}

/** A foreign index receives a list once, with so many bytes, and takes the rest for a command. */
export const FOREIGN_LIST_BYTES = 1024;

export interface SeedAnnouncement {
  text: string;
  /** Names that are not announced as they are, and why. */
  heldBack: { name: string; reason: string }[];
}

/**
 * The list for a foreign index: white space in names is percent-encoded (our own peers undo it when they are
 * asked), and what does not fit into one receive is held back instead of being taken for a command.
 */
export function announceToForeignIndex(names: readonly string[]): SeedAnnouncement {
  const heldBack: SeedAnnouncement['heldBack'] = [];
  const sent: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const encoded = encodeSeedName(name);
    const more = Buffer.byteLength(encoded) + (sent.length > 0 ? 1 : 0);
    if (bytes + more > FOREIGN_LIST_BYTES) {
      heldBack.push({ name, reason: `a foreign index reads only ${FOREIGN_LIST_BYTES} bytes of names` });
      continue;
    }
    if (encoded !== name)
      heldBack.push({ name, reason: `announced as ${encoded}: names are separated by spaces` });
    sent.push(encoded);
    bytes += more;
  }
  return { text: sent.join(' '), heldBack };
}

/** Percent-encodes white space, and `%` so that it can be undone. Other names stay as they are. */
export function encodeSeedName(name: string): string {
  if (!/\s/u.test(name)) return name;
  return name.replace(/[\s%]/gu, (character) => encodeURIComponent(character));
}

/** Undoes `encodeSeedName`; a name that was never encoded is returned unchanged. */
export function decodeSeedName(name: string): string {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
