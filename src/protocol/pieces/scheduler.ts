/**
 * Which source is asked for which piece: a pure state machine, used for peers, content servers and HTTP mirrors
 * alike. Bytes are never seen here, only their numbers; time is given, dice too.
 *
 * A piece may be begun by one source and finished by another: what has arrived of it is one stretch from its
 * beginning (`covered`), because every request starts where the stretch then ends, or before.
 */
import { type PieceLayout, pieceLength, pieceOffset } from './layout';
import { PieceMap } from './piece-map';

export interface SchedulerOptions {
  layout: PieceLayout;
  /** Pieces that are on the disk already, from an earlier run. Grows as pieces are verified. */
  verified: PieceMap;
  /**
   * 'sequential' for servers that all have everything: it is kind to disks, and lets the whole file be hashed on
   * the way. 'rarest' for a swarm, where what few have must spread first.
   */
  order: 'sequential' | 'rarest';
  random: () => number;
  /** A source that sends nothing for so long is given up, whatever the others do. */
  timeoutMs: number;
}

export interface Request {
  id: number;
  source: string;
  piece: number;
  /** In the file, bytes. */
  offset: number;
  length: number;
}

/** What became of some received bytes. */
export interface Receipt {
  /**
   * Where in the piece they belong, without their first `skip` bytes, which are there already; null when nobody waits
   * for any of them.
   */
  place: { piece: number; at: number; skip: number } | null;
  /** The piece is there in full and has to be verified now. */
  complete: boolean;
  /** This was the last of what was asked for in this request. */
  answered: boolean;
  /** Requests that are now superfluous. */
  cancel: Request[];
}

/** Bytes `from` to `to` of a piece, and who sent them. */
export interface Stretch {
  source: string;
  from: number;
  to: number;
}

export interface Verdict {
  /** Sent wrong bytes, beyond doubt: it is not asked again. */
  banned: string[];
  /**
   * Who had which part in the wrong piece, where there were several. It will be fetched from one source alone; then it
   * shows whose part was wrong, and that one can be banned. The number of such pieces would prove nothing: a liar that
   * breaks off after its first bytes makes suspects of those who go on.
   */
  suspects: Stretch[];
}

export interface StallReport {
  source: string;
  silentMs: number;
  cancel: Request[];
  /** True when it is silent beyond the time-out: close it. False: it is asked again when it shows life. */
  dead: boolean;
}

export interface SourceRates {
  id: string;
  bytesPerSecond: number;
  outstanding: number;
  state: 'active' | 'choked' | 'stalled';
}

/** Most that may be on its way from all sources together, bytes: what bounds the memory of a download. */
const MAX_IN_FLIGHT = 48 * 1024 * 1024;
/** Most that may be asked of one source ahead of its answers. */
const MAX_WINDOW = 8 * 1024 * 1024;
/**
 * A source is asked for more when it owes so little of its window: several questions in one segment, or one for
 * several pieces that follow one another, since each costs both ends.
 */
const REFILL = 0.5;
/** Time that a source's answers may lie in queues here (event loop, disk) beyond its round trip. */
const SLACK_MS = 30;
const MIN_STALL_MS = 150;
/** A request that waits for its first byte may take this much longer: the server has to open the file. */
const FIRST_BYTE_MS = 850;
/**
 * A piece is asked of a second source only if that one would be done in this part of the time, and sooner by more than
 * `SLACK_MS`: a shorter lead is lost in the queues, and both answers come in full.
 */
const DUPLICATE_GAIN = 0.6;
/** Weight of the newest measurement of a rate. */
const RATE_WEIGHT = 0.3;

interface Attempt extends Request {
  received: number;
}

interface Source {
  id: string;
  /** Null: everything. */
  available: PieceMap | null;
  choked: boolean;
  stalled: boolean;
  roundTripMs: number;
  attempts: Map<number, Attempt>;
  /** Bytes asked for that have not arrived. */
  outstanding: number;
  bytesPerSecond: number;
  bytesSinceTick: number;
  lastByteAt: number;
  /** Since when something has been asked of it without a pause. */
  busySince: number;
  answered: boolean;
}

interface PieceState {
  covered: number;
  /** From whom it is as far as it is covered, in order. */
  stretches: Stretch[];
  attempts: Set<Attempt>;
  /** Received in full, and being verified. */
  checking: boolean;
  /** Was wrong when several took part: now one source alone. */
  solo: boolean;
}

export class PieceScheduler {
  readonly #options: SchedulerOptions;
  readonly #sources = new Map<string, Source>();
  /** Pieces about which there is more to say than "missing" or "verified". */
  readonly #pieces = new Map<number, PieceState>();
  readonly #attempts = new Map<number, Attempt>();
  readonly #banned = new Set<string>();
  /** How many sources with a map have each piece. */
  readonly #rarity: Uint16Array;
  #nextRequest = 1;
  /** Every piece before this one is verified or has a state. */
  #cursor = 0;
  #inFlight = 0;
  #lastTick: number;

  constructor(options: SchedulerOptions, now: number) {
    this.#options = options;
    this.#rarity = new Uint16Array(options.layout.count);
    this.#lastTick = now;
  }

  get complete(): boolean {
    return this.#options.verified.complete;
  }

  /** @param available the pieces it has; null: all. The map is kept and may grow through `have`. */
  addSource(id: string, available: PieceMap | null, roundTripMs: number, now: number, choked = false): void {
    if (this.#sources.has(id) || this.#banned.has(id)) return;
    this.#sources.set(id, {
      id,
      available,
      choked,
      stalled: false,
      roundTripMs,
      attempts: new Map(),
      outstanding: 0,
      bytesPerSecond: 0,
      bytesSinceTick: 0,
      lastByteAt: now,
      busySince: now,
      answered: false,
    });
    if (available) this.#countRarity(available, 1);
  }

  /** The source is gone; what it was asked for is open again, and nothing that arrived is lost. */
  removeSource(id: string): void {
    const source = this.#sources.get(id);
    if (!source) return;
    for (const attempt of [...source.attempts.values()]) this.#drop(attempt);
    if (source.available) this.#countRarity(source.available, -1);
    this.#sources.delete(id);
  }

  /** It is not asked again, and never added again. */
  ban(id: string): void {
    this.removeSource(id);
    this.#banned.add(id);
  }

  isBanned(id: string): boolean {
    return this.#banned.has(id);
  }

  /** A source has got one more piece. */
  have(id: string, piece: number): void {
    const available = this.#sources.get(id)?.available;
    if (!available || piece >= available.size || available.has(piece)) return;
    available.add(piece);
    this.#rarity[piece] = (this.#rarity[piece] as number) + 1;
  }

  /** A choked source has forgotten what it was asked for. */
  setChoked(id: string, choked: boolean): void {
    const source = this.#sources.get(id);
    if (!source) return;
    source.choked = choked;
    if (choked) for (const attempt of [...source.attempts.values()]) this.#drop(attempt);
  }

  /** Something came from a source, were it only bytes that nobody waits for. */
  showedLife(id: string, now: number): void {
    const source = this.#sources.get(id);
    if (!source) return;
    source.lastByteAt = now;
    source.stalled = false;
  }

  /**
   * The requests to be sent now.
   * @param mayAsk whether a source that owes so many bytes may be asked for more, where others need it too
   */
  assign(now: number, mayAsk?: (source: string, outstanding: number) => boolean): Request[] {
    const requests: Request[] = [];
    // One request each in turn, so that the first source does not take all there is.
    let open = [...this.#sources.values()].filter((source) => this.#mayBeAsked(source));
    while (open.length > 0 && this.#inFlight < MAX_IN_FLIGHT) {
      open = open.filter((source) => {
        if (mayAsk && !mayAsk(source.id, source.outstanding)) return false;
        if (source.outstanding >= this.#window(source)) return false;
        const request = this.#nextFor(source, now);
        if (request) requests.push(request);
        return request !== null;
      });
    }
    return requests;
  }

  /** Some bytes of an answer arrived, in the order in which they were asked for. */
  received(requestId: number, length: number, now: number): Receipt {
    const attempt = this.#attempts.get(requestId);
    if (!attempt) return { place: null, complete: false, answered: false, cancel: [] };
    const source = this.#sources.get(attempt.source) as Source;
    const piece = this.#pieces.get(attempt.piece) as PieceState;
    this.showedLife(source.id, now);
    source.answered = true;
    source.bytesSinceTick += length;
    const at = attempt.offset - pieceOffset(this.#options.layout, attempt.piece) + attempt.received;
    attempt.received += length;
    source.outstanding -= length;
    this.#inFlight -= length;
    const skip = piece.covered - at;
    const fresh = length > skip;
    if (fresh) addStretch(piece.stretches, { source: source.id, from: piece.covered, to: at + length });
    const place = fresh ? { piece: attempt.piece, at: piece.covered, skip } : null;
    piece.covered = Math.max(piece.covered, at + length);
    const answered = attempt.received === attempt.length;
    if (answered) this.#drop(attempt);
    if (!place || piece.covered < pieceLength(this.#options.layout, place.piece)) {
      return { place, complete: false, answered, cancel: [] };
    }
    piece.checking = true;
    const cancel = [...piece.attempts];
    for (const superfluous of cancel) this.#drop(superfluous);
    return { place, complete: true, answered, cancel };
  }

  /** A source says that it will not answer this request: it does not have the piece, after all. */
  rejected(requestId: number): void {
    const attempt = this.#attempts.get(requestId);
    if (!attempt) return;
    const source = this.#sources.get(attempt.source) as Source;
    if (source.available === null) {
      source.available = PieceMap.full(this.#options.layout.count);
      this.#countRarity(source.available, 1);
    }
    if (source.available.has(attempt.piece)) {
      source.available.delete(attempt.piece);
      this.#rarity[attempt.piece] = (this.#rarity[attempt.piece] as number) - 1;
    }
    this.#drop(attempt);
  }

  /** The bytes of a complete piece have the right hash, and are kept. */
  verified(piece: number): void {
    this.#pieces.delete(piece);
    this.#options.verified.add(piece);
  }

  /** The bytes of a complete piece are wrong and have been thrown away. */
  corrupt(piece: number): Verdict {
    const state = this.#pieces.get(piece);
    if (!state) return { banned: [], suspects: [] };
    const { stretches } = state;
    const contributors = new Set(stretches.map(({ source }) => source));
    const alone = contributors.size === 1;
    this.#pieces.delete(piece);
    this.#cursor = Math.min(this.#cursor, piece);
    if (!alone) this.#stateOf(piece).solo = true;
    const verdict: Verdict = { banned: alone ? [...contributors] : [], suspects: alone ? [] : stretches };
    for (const id of verdict.banned) this.ban(id);
    return verdict;
  }

  /**
   * Measures rates, and finds sources that have gone silent: compared with how fast they were and with whether the
   * others get on, and not only by a time-out. Call it about ten times a second.
   */
  tick(now: number): StallReport[] {
    const elapsed = now - this.#lastTick;
    if (elapsed <= 0) return [];
    this.#lastTick = now;
    const others = [...this.#sources.values()].filter(
      (source) => !source.stalled && source.bytesSinceTick > 0,
    );
    const reports: StallReport[] = [];
    for (const source of [...this.#sources.values()]) {
      const progressing = others.some((other) => other !== source);
      this.#measure(source, elapsed);
      const report = this.#stallOf(source, progressing, now);
      if (report) reports.push(report);
    }
    return reports;
  }

  /** We have not read for a while (the disk was busy): no source is to blame for the silence. */
  forgiveSilence(now: number): void {
    for (const source of this.#sources.values()) source.lastByteAt = now;
    this.#lastTick = now;
  }

  /** True when a piece is missing that no present source has. */
  get starving(): boolean {
    if (this.complete) return false;
    const sources = [...this.#sources.values()];
    if (sources.some(({ available }) => available === null)) return false;
    if (sources.length === 0) return true;
    for (let piece = 0; piece < this.#options.layout.count; piece++) {
      if (
        this.#rarity[piece] === 0 &&
        !this.#options.verified.has(piece) &&
        !this.#pieces.get(piece)?.checking
      )
        return true;
    }
    return false;
  }

  /** Bytes that a source was asked for and that have not arrived. */
  outstandingOf(id: string): number {
    return this.#sources.get(id)?.outstanding ?? 0;
  }

  rates(): SourceRates[] {
    return [...this.#sources.values()].map((source) => ({
      id: source.id,
      bytesPerSecond: source.bytesPerSecond,
      outstanding: source.outstanding,
      state: source.stalled ? 'stalled' : source.choked ? 'choked' : 'active',
    }));
  }

  /** How many present sources have each piece: what "availability" shows. */
  availability(): Uint16Array {
    const everything = [...this.#sources.values()].filter(({ available }) => available === null).length;
    return this.#rarity.map((count) => count + everything);
  }

  /** Pieces on their way, and from whom. */
  active(): { piece: number; source: string; received: number }[] {
    return [...this.#attempts.values()].map(({ piece, source, received }) => ({ piece, source, received }));
  }

  #mayBeAsked(source: Source): boolean {
    if (source.choked || source.stalled) return false;
    // Of several peers none may be left with a long list when the others are done: the end game would ask for it twice.
    const seldom = this.#options.order === 'sequential' || this.#sources.size === 1;
    return !seldom || source.outstanding <= this.#window(source) * REFILL;
  }

  #window(source: Source): number {
    const pieces = source.answered ? 2 : 1;
    const inTransit = (source.bytesPerSecond * (source.roundTripMs + SLACK_MS)) / 1000;
    return Math.min(MAX_WINDOW, Math.max(pieces * this.#options.layout.pieceSize, 2 * inTransit));
  }

  #nextFor(source: Source, now: number): Request | null {
    const piece = this.#begunPiece(source) ?? this.#freshPiece(source) ?? this.#duplicate(source);
    return piece === null ? null : this.#ask(source, piece, now);
  }

  /** A piece that a lost source has begun: finishing it frees its memory. */
  #begunPiece(source: Source): number | null {
    for (const [piece, state] of this.#pieces) {
      if (state.attempts.size === 0 && !state.checking && has(source, piece)) return piece;
    }
    return null;
  }

  #freshPiece(source: Source): number | null {
    const { layout, verified, order, random } = this.#options;
    const missing = (piece: number): boolean => !verified.has(piece) && !this.#pieces.has(piece);
    while (this.#cursor < layout.count && !missing(this.#cursor)) this.#cursor++;
    if (order === 'sequential' || layout.count === 0) {
      for (let piece = this.#cursor; piece < layout.count; piece++) {
        if (missing(piece) && has(source, piece)) return piece;
      }
      return null;
    }
    // From a random place on, so that two downloaders of one seeder soon have something for each other.
    const span = layout.count - this.#cursor;
    const start = Math.floor(random() * span);
    let rarest: number | null = null;
    for (let step = 0; step < span; step++) {
      const piece = this.#cursor + ((start + step) % span);
      if (!missing(piece) || !has(source, piece)) continue;
      if (rarest === null || (this.#rarity[piece] as number) < (this.#rarity[rarest] as number))
        rarest = piece;
      if (this.#rarity[rarest] === 0) break;
    }
    return rarest;
  }

  /** End game: nothing is left to ask for, so an idle source helps the slowest, if that is worth it. */
  #duplicate(source: Source): number | null {
    if (source.outstanding > 0) return null;
    const rate = Math.max(source.bytesPerSecond, 1);
    let worst: { piece: number; ms: number } | null = null;
    for (const [piece, state] of this.#pieces) {
      const [only] = state.attempts;
      if (!only || state.attempts.size > 1 || state.solo || only.source === source.id || !has(source, piece))
        continue;
      const ms = this.#remainingMs(only);
      const ours = source.roundTripMs + ((only.length - only.received) * 1000) / rate;
      const isWorthIt = ours < ms * DUPLICATE_GAIN && ours < ms - SLACK_MS;
      if (isWorthIt && (!worst || ms > worst.ms)) worst = { piece, ms };
    }
    return worst?.piece ?? null;
  }

  /** Until this answer is complete, with all that its source has to send before it. */
  #remainingMs(attempt: Attempt): number {
    const source = this.#sources.get(attempt.source) as Source;
    let bytes = attempt.length - attempt.received;
    for (const earlier of source.attempts.values()) {
      if (earlier.id < attempt.id) bytes += earlier.length - earlier.received;
    }
    return source.roundTripMs + (bytes * 1000) / Math.max(source.bytesPerSecond, 1);
  }

  #ask(source: Source, piece: number, now: number): Request {
    const { layout } = this.#options;
    const state = this.#stateOf(piece);
    if (state.solo && state.stretches.some((stretch) => stretch.source !== source.id)) {
      // The former source of a solo piece left in the middle: begin anew, or two would share it again.
      state.covered = 0;
      state.stretches = [];
    }
    const attempt: Attempt = {
      id: this.#nextRequest++,
      source: source.id,
      piece,
      offset: pieceOffset(layout, piece) + state.covered,
      length: pieceLength(layout, piece) - state.covered,
      received: 0,
    };
    if (source.attempts.size === 0) source.busySince = now;
    state.attempts.add(attempt);
    source.attempts.set(attempt.id, attempt);
    source.outstanding += attempt.length;
    this.#inFlight += attempt.length;
    this.#attempts.set(attempt.id, attempt);
    return { id: attempt.id, source: source.id, piece, offset: attempt.offset, length: attempt.length };
  }

  #drop(attempt: Attempt): void {
    const source = this.#sources.get(attempt.source) as Source;
    const left = attempt.length - attempt.received;
    source.outstanding -= left;
    this.#inFlight -= left;
    source.attempts.delete(attempt.id);
    this.#attempts.delete(attempt.id);
    const state = this.#pieces.get(attempt.piece);
    if (!state) return;
    state.attempts.delete(attempt);
    const untouched = state.covered === 0 && state.attempts.size === 0 && !state.solo;
    if (untouched) {
      this.#pieces.delete(attempt.piece);
      this.#cursor = Math.min(this.#cursor, attempt.piece);
    }
  }

  #measure(source: Source, elapsedMs: number): void {
    if (source.outstanding === 0 && source.bytesSinceTick === 0) return;
    const newest = (source.bytesSinceTick * 1000) / elapsedMs;
    source.bytesPerSecond =
      source.bytesPerSecond === 0 ? newest : source.bytesPerSecond * (1 - RATE_WEIGHT) + newest * RATE_WEIGHT;
    source.bytesSinceTick = 0;
  }

  #stallOf(source: Source, othersProgress: boolean, now: number): StallReport | null {
    const { timeoutMs } = this.#options;
    const idle = source.attempts.size === 0 && !source.stalled;
    if (idle || source.choked) return null;
    const silentMs = now - Math.max(source.lastByteAt, source.busySince);
    const dead = silentMs >= timeoutMs;
    const usual = MIN_STALL_MS + 4 * source.roundTripMs + (source.answered ? 0 : FIRST_BYTE_MS);
    const stalls = !source.stalled && othersProgress && silentMs >= Math.min(usual, timeoutMs);
    if (!dead && !stalls) return null;
    const cancel = [...source.attempts.values()];
    for (const attempt of cancel) this.#drop(attempt);
    source.stalled = true;
    return { source: source.id, silentMs, cancel, dead };
  }

  #stateOf(piece: number): PieceState {
    let state = this.#pieces.get(piece);
    if (!state) {
      state = { covered: 0, stretches: [], attempts: new Set(), checking: false, solo: false };
      this.#pieces.set(piece, state);
    }
    return state;
  }

  #countRarity(map: PieceMap, by: 1 | -1): void {
    for (let piece = 0; piece < map.size; piece++) {
      if (map.has(piece)) this.#rarity[piece] = (this.#rarity[piece] as number) + by;
    }
  }
}

function addStretch(stretches: Stretch[], next: Stretch): void {
  const last = stretches.at(-1);
  if (last?.source === next.source) last.to = next.to;
  else stretches.push(next);
}

function has(source: Source, piece: number): boolean {
  return source.available === null || source.available.has(piece);
}
