/**
 * The Micro-CDN's wire format: lines of text between clients, index, monitor and content servers. Three things
 * are kept apart: the seed protocol, which is all that is ever sent to a stranger; the tolerances, each for
 * something that foreign programs were seen to do; and our extensions, in `micro-cdn-extensions.ts`.
 *
 * Parsing never throws. Encoding throws a RangeError for what cannot be sent (a control character, a space in
 * a server id): whoever sends has checked names by `fileNameProblem`.
 */

/** Longest line that is taken, in bytes: a name of 1024 bytes, percent-encoded, and the words around it. */
export const MAX_LINE_BYTES = 4096;
export const DEFAULT_PORTS = { index: 5050, monitorUdp: 6000, monitorTcp: 6001, contentTcp: 7001 } as const;
/** How long a client waits for WELCOME before it asks anyway. */
export const WELCOME_WAIT_MS = 1000;
/** Between two lines towards an index that reads one command per receive. */
export const PACE_MS = 90;

// ── Tolerances ──────────────────────────────────────────────────────────────────────────────────────────

/** What is taken beyond the seed protocol. */
export interface Tolerance {
  /** Lines may end in `\r\n`. */
  carriageReturn: boolean;
  /** A line that was begun counts when the peer finishes sending: clients that half-close instead of ending it. */
  unterminatedLastLine: boolean;
  /** GET may come without HELLO before it. */
  getWithoutHello: boolean;
  /** ADD_FILE and DONE_FILES may come on another connection than REGISTER. */
  addWithoutRegister: boolean;
  /** A file's name may have spaces: in ADD_FILE the id is the first word and the size the last. */
  spacesInNames: boolean;
  /** A name that cannot be taken costs a server that file, not its whole registration. */
  badNamesSkipped: boolean;
  /** SERVER_DOWN may come without a timestamp, or with a fraction in it. */
  looseServerDown: boolean;
  /** LIST_FILES, LIST_SERVERS and PING at an index. */
  extraCommands: boolean;
  /** Heartbeats may have further words, fractions, and numbers that are missing in sense (`-1`). */
  looseHeartbeats: boolean;
  /** `ALIVE` as well as `alive`. */
  statusInAnyCase: boolean;
  /** Our own extensions are understood and used. */
  extensions: boolean;
}

export const lenient: Tolerance = {
  carriageReturn: true,
  unterminatedLastLine: true,
  getWithoutHello: true,
  addWithoutRegister: true,
  spacesInNames: true,
  badNamesSkipped: true,
  looseServerDown: true,
  extraCommands: true,
  looseHeartbeats: true,
  statusInAnyCase: true,
  extensions: true,
};

/** The seed protocol, and nothing else. */
export const strict: Tolerance = {
  carriageReturn: false,
  unterminatedLastLine: false,
  getWithoutHello: false,
  addWithoutRegister: false,
  spacesInNames: false,
  badNamesSkipped: false,
  looseServerDown: false,
  extraCommands: false,
  looseHeartbeats: false,
  statusInAnyCase: false,
  extensions: false,
};

// ── Messages ────────────────────────────────────────────────────────────────────────────────────────────

export interface Malformed {
  type: 'malformed';
  /** The word after ERROR. */
  reason: ErrorReason;
}

export type ErrorReason =
  | 'FILE_NOT_FOUND'
  | 'UNKNOWN_COMMAND'
  | 'MALFORMED_COMMAND'
  | 'BAD_FILE_NAME'
  | 'HELLO_EXPECTED'
  | 'NOT_REGISTERED'
  | 'LINE_TOO_LONG'
  | 'BUSY'
  | 'RANGE_NOT_SATISFIABLE'
  | 'FILE_CHANGED';

/** A server as it registers. Its host is the address that the connection comes from. */
export interface Register {
  type: 'register';
  serverId: string;
  tcpPort: number;
  udpPort: number;
}
export interface AddFile {
  type: 'add-file';
  serverId: string;
  name: string;
  /** Bytes. */
  size: number;
}
export interface Get {
  type: 'get';
  name: string;
}
export interface ServerDown {
  type: 'server-down';
  serverId: string;
  /** Unix seconds; absent in the short form. */
  timestamp?: number;
}
/** What an index may be told or asked. The last three are extras of some foreign clients. */
export type IndexRequest =
  | Register
  | AddFile
  | { type: 'done-files' }
  | { type: 'hello' }
  | Get
  | ServerDown
  | { type: 'list-files' }
  | { type: 'list-servers' }
  | { type: 'ping' };

/** Where a file is. */
export interface ServerAnswer {
  type: 'server';
  host: string;
  tcpPort: number;
  serverId: string;
  size: number;
  /** Words after the size: an extension, see `HelloWith`. Empty in the seed protocol. */
  features: string[];
}
export interface ErrorAnswer {
  type: 'error';
  reason: string;
}
export type IndexAnswer =
  | { type: 'registered' }
  | { type: 'files-added' }
  | { type: 'marked-dead' }
  | { type: 'welcome'; features: string[] }
  | ServerAnswer
  | ErrorAnswer
  | { type: 'other'; text: string };

export type ContentAnswer = { type: 'ok'; size: number } | ErrorAnswer | { type: 'other'; text: string };

export interface Heartbeat {
  type: 'heartbeat';
  serverId: string;
  host: string;
  tcpPort: number;
  load: number;
  files: number;
}

export type MonitorRequest =
  | { type: 'list-servers' }
  | { type: 'register-index'; host: string; port: number };

/** One server as the monitor sees it. */
export interface ServerRow {
  type: 'server-row';
  serverId: string;
  host: string;
  tcpPort: number;
  load: number;
  alive: boolean;
}
/** What comes to an index over a connection to the monitor: answers, and SERVER_DOWN pushed in between. */
export type MonitorAnswer =
  | ServerRow
  | ServerDown
  | { type: 'end' }
  | { type: 'index-registered' }
  | ErrorAnswer
  | { type: 'other'; text: string };

// ── Parsing, by who receives ────────────────────────────────────────────────────────────────────────────

const malformed: Malformed = { type: 'malformed', reason: 'MALFORMED_COMMAND' };
const unknown: Malformed = { type: 'malformed', reason: 'UNKNOWN_COMMAND' };

export function parseAtIndex(line: string, tolerance: Tolerance): IndexRequest | Malformed {
  if (line.startsWith('GET ')) return parseGet(line, tolerance);
  if (line.startsWith('ADD_FILE ')) return parseAddFile(line, tolerance);
  const words = line.split(' ');
  switch (words[0]) {
    case 'HELLO':
      return words.length === 1 ? { type: 'hello' } : malformed;
    case 'REGISTER':
      return parseRegister(words);
    case 'DONE_FILES':
      return words.length === 1 ? { type: 'done-files' } : malformed;
    case 'SERVER_DOWN':
      return parseServerDown(words, tolerance) ?? malformed;
    case 'LIST_FILES':
      return tolerance.extraCommands && words.length === 1 ? { type: 'list-files' } : unknown;
    case 'LIST_SERVERS':
      return tolerance.extraCommands && words.length === 1 ? { type: 'list-servers' } : unknown;
    case 'PING':
      return tolerance.extraCommands && words.length === 1 ? { type: 'ping' } : unknown;
    case 'GET':
    case 'ADD_FILE':
      return malformed;
    default:
      return unknown;
  }
}

/** The name is the rest of the line, whatever it holds; the receiver checks it. */
export function parseAtContent(line: string, tolerance: Tolerance): Get | Malformed {
  if (line.startsWith('GET ')) return parseGet(line, tolerance);
  return line === 'GET' ? malformed : unknown;
}

export function parseIndexAnswer(line: string): IndexAnswer {
  const words = line.split(' ');
  switch (words[0]) {
    case 'SERVER':
      return parseServerAnswer(words) ?? { type: 'other', text: line };
    case 'WELCOME':
      return { type: 'welcome', features: words.slice(2) };
    case 'OK':
      if (words[1] === 'REGISTERED') return { type: 'registered' };
      if (words[1] === 'FILES_ADDED') return { type: 'files-added' };
      if (words[1] === 'SERVER_MARKED_DEAD') return { type: 'marked-dead' };
      return { type: 'other', text: line };
    case 'ERROR':
      return { type: 'error', reason: line.slice(6) };
    default:
      return { type: 'other', text: line };
  }
}

export function parseContentAnswer(line: string): ContentAnswer {
  if (line === 'ERROR' || line.startsWith('ERROR ')) return { type: 'error', reason: line.slice(6) };
  const size = line.startsWith('OK ') ? wholeNumber(line.slice(3).trimEnd()) : null;
  return size === null ? { type: 'other', text: line } : { type: 'ok', size };
}

export function parseHeartbeat(line: string, tolerance: Tolerance): Heartbeat | Malformed {
  const words = tolerance.looseHeartbeats
    ? line.slice(0, endOfText(line)).trim().split(/\s+/)
    : line.split(' ');
  if (words[0] !== 'HEARTBEAT') return unknown;
  if (tolerance.looseHeartbeats ? words.length < 6 : words.length !== 6) return malformed;
  const [, serverId, host, port, load, files] = words as [string, string, string, string, string, string];
  const count = tolerance.looseHeartbeats ? looseNumber : wholeNumber;
  const heartbeat = { tcpPort: portNumber(port), load: count(load), files: count(files) };
  const { tcpPort } = heartbeat;
  if (!isWord(serverId) || !isWord(host) || tcpPort === null) return malformed;
  if (heartbeat.load === null || heartbeat.files === null) return malformed;
  return { type: 'heartbeat', serverId, host, tcpPort, load: heartbeat.load, files: heartbeat.files };
}

/**
 * Programs that send a whole C buffer leave NULs behind the text. From the end: a pattern would be tried at each
 * control character of a line, whatever follows, which takes the square of their number.
 */
function endOfText(line: string): number {
  let end = line.length;
  while (end > 0 && /\p{Cc}/u.test(line[end - 1] as string)) end--;
  return end;
}

export function parseAtMonitor(line: string): MonitorRequest | Malformed {
  const words = line.split(' ');
  if (words[0] === 'LIST_SERVERS') return words.length === 1 ? { type: 'list-servers' } : malformed;
  if (words[0] !== 'REGISTER_INDEX') return unknown;
  const [, host, portText] = words;
  const port = portNumber(portText);
  if (words.length !== 3 || !isWord(host) || port === null) return malformed;
  return { type: 'register-index', host, port };
}

export function parseMonitorAnswer(line: string, tolerance: Tolerance): MonitorAnswer {
  const words = line.split(' ');
  switch (words[0]) {
    case 'END':
      return { type: 'end' };
    case 'SERVER':
      return parseServerRow(words, tolerance) ?? { type: 'other', text: line };
    case 'SERVER_DOWN':
      return parseServerDown(words, tolerance) ?? { type: 'other', text: line };
    case 'OK':
      return words[1] === 'INDEX_REGISTERED' ? { type: 'index-registered' } : { type: 'other', text: line };
    case 'ERROR':
      return { type: 'error', reason: line.slice(6) };
    default:
      return { type: 'other', text: line };
  }
}

function parseGet(line: string, tolerance: Tolerance): Get | Malformed {
  const name = line.slice(4);
  if (name === '' || (!tolerance.spacesInNames && name.includes(' '))) return malformed;
  return { type: 'get', name };
}

function parseAddFile(line: string, tolerance: Tolerance): AddFile | Malformed {
  const afterId = line.indexOf(' ', 9);
  const beforeSize = line.lastIndexOf(' ');
  if (afterId < 0 || beforeSize <= afterId) return malformed;
  const serverId = line.slice(9, afterId);
  const name = line.slice(afterId + 1, beforeSize);
  const size = wholeNumber(line.slice(beforeSize + 1));
  if (!isWord(serverId) || name === '' || size === null) return malformed;
  if (!tolerance.spacesInNames && name.includes(' ')) return malformed;
  return { type: 'add-file', serverId, name, size };
}

function parseRegister(words: string[]): Register | Malformed {
  const [, serverId, tcp, udp] = words;
  const tcpPort = portNumber(tcp);
  // A server that sends no heartbeats may well say that it has no UDP port.
  const udpPort = udp === '0' ? 0 : portNumber(udp);
  if (words.length !== 4 || !isWord(serverId) || tcpPort === null || udpPort === null) return malformed;
  return { type: 'register', serverId, tcpPort, udpPort };
}

function parseServerDown(words: string[], tolerance: Tolerance): ServerDown | null {
  const [, serverId, time] = words;
  if (!isWord(serverId)) return null;
  if (words.length === 2 && tolerance.looseServerDown) return { type: 'server-down', serverId };
  const timestamp = tolerance.looseServerDown ? looseNumber(time) : wholeNumber(time);
  if (words.length !== 3 || timestamp === null) return null;
  return { type: 'server-down', serverId, timestamp };
}

function parseServerAnswer(words: string[]): ServerAnswer | null {
  const [, host, port, serverId, sizeText, ...features] = words;
  const tcpPort = portNumber(port);
  const size = wholeNumber(sizeText);
  if (!isWord(host) || tcpPort === null || !isWord(serverId) || size === null) return null;
  return { type: 'server', host, tcpPort, serverId, size, features };
}

function parseServerRow(words: string[], tolerance: Tolerance): ServerRow | null {
  const [, serverId, host, port, loadText, statusText] = words;
  const tcpPort = portNumber(port);
  const load = looseNumber(loadText);
  const status = tolerance.statusInAnyCase ? statusText?.toLowerCase() : statusText;
  if (!isWord(serverId) || !isWord(host) || tcpPort === null || load === null) return null;
  if (status !== 'alive' && status !== 'dead') return null;
  return { type: 'server-row', serverId, host, tcpPort, load, alive: status === 'alive' };
}

// ── Encoding: every line of the seed protocol, and the extras ───────────────────────────────────────────

export const encode = {
  register: ({ serverId, tcpPort, udpPort }: Omit<Register, 'type'>) =>
    wireLine(`REGISTER ${word(serverId)} ${tcpPort} ${udpPort}`),
  addFile: (serverId: string, name: string, size: number) =>
    wireLine(`ADD_FILE ${word(serverId)} ${name} ${size}`),
  doneFiles: () => 'DONE_FILES\n',
  hello: () => 'HELLO\n',
  get: (name: string) => wireLine(`GET ${name}`),
  /** @param timestamp whole Unix seconds */
  serverDown: (serverId: string, timestamp: number) =>
    wireLine(`SERVER_DOWN ${word(serverId)} ${Math.floor(timestamp)}`),
  listServers: () => 'LIST_SERVERS\n',
  registerIndex: (host: string, port: number) => wireLine(`REGISTER_INDEX ${word(host)} ${port}`),
  heartbeat: ({ serverId, host, tcpPort, load, files }: Omit<Heartbeat, 'type'>) =>
    wireLine(`HEARTBEAT ${word(serverId)} ${word(host)} ${tcpPort} ${load} ${files}`),

  registered: () => 'OK REGISTERED\n',
  filesAdded: () => 'OK FILES_ADDED\n',
  markedDead: () => 'OK SERVER_MARKED_DEAD\n',
  indexRegistered: () => 'OK INDEX_REGISTERED\n',
  welcome: () => 'WELCOME MICRO-CDN\n',
  server: ({ host, tcpPort, serverId, size }: Omit<ServerAnswer, 'type' | 'features'>) =>
    wireLine(`SERVER ${word(host)} ${tcpPort} ${word(serverId)} ${size}`),
  ok: (size: number) => `OK ${size}\n`,
  error: (reason: ErrorReason) => `ERROR ${reason}\n`,
  serverRow: ({ serverId, host, tcpPort, load, alive }: Omit<ServerRow, 'type'>) =>
    wireLine(`SERVER ${word(serverId)} ${word(host)} ${tcpPort} ${load} ${alive ? 'alive' : 'dead'}`),
  end: () => 'END\n',

  pong: () => 'PONG\n',
  listedFile: (name: string, size: number) => wireLine(`FILE ${name} ${size}`),
  listedServer: (serverId: string, host: string, tcpPort: number) =>
    wireLine(`SERVER ${word(serverId)} ${word(host)} ${tcpPort}`),
} as const;

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A line with its end. @throws RangeError when a control character would break it */
export function wireLine(text: string): string {
  if (CONTROL.test(text))
    throw new RangeError(`A line cannot carry a control character: ${JSON.stringify(text)}`);
  return `${text}\n`;
}

/** @throws RangeError when `text` is not one word */
export function word(text: string): string {
  if (!isWord(text)) throw new RangeError(`Not one word: ${JSON.stringify(text)}`);
  return text;
}

// ── Words ───────────────────────────────────────────────────────────────────────────────────────────────

const NOT_IN_A_WORD = /[\s\p{Cc}]/u;

/** A server id or a host: not empty, no white space, not endless. */
export function isWord(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text.length <= 255 && !NOT_IN_A_WORD.test(text);
}

/** Decimal digits alone, at most 2⁵³ − 1; null otherwise. */
export function wholeNumber(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

export function portNumber(text: string | undefined): number | null {
  const port = wholeNumber(text);
  return port !== null && port >= 1 && port <= 65_535 ? port : null;
}

/** A count that others write as `2.0` or `-1`. */
function looseNumber(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d{1,16}(?:\.\d{0,16})?$/.test(text)) return null;
  return Math.max(0, Math.round(Number(text)));
}
