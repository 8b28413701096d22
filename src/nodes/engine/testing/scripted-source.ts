import { PieceMap } from '../../../protocol/pieces/piece-map';
import type { Clock, Timer } from '../../../runtime/context';
import type { OpenSource, RangeRequest, Source, SourceEvents } from '../source';

export interface Script {
  /** Before each part of an answer. */
  latencyMs: number;
  /** Bytes in one part of an answer. */
  part: number;
  /** So many bytes, then the connection breaks; again and again. */
  breaksAfter: number | null;
  /** So many bytes in all, then nothing more, without a word. */
  hangsAfter: number | null;
  /** One byte in every so many parts is wrong; 0: none. */
  liesEvery: number;
  /** It has only the pieces whose number is a multiple of this. */
  hasEvery: number;
}

/** A source that does what a test wants of it. */
export class ScriptedSource implements Source {
  readonly id: string;
  readonly address: string;
  readonly #script: Script;
  readonly #content: Uint8Array;
  readonly #pieceSize: number;
  readonly #clock: Clock;
  #parts = 0;
  #sent = 0;

  constructor(
    id: string,
    script: Script,
    content: Uint8Array,
    { pieceSize, clock }: { pieceSize: number; clock: Clock },
  ) {
    this.id = id;
    this.address = id;
    this.#script = script;
    this.#content = content;
    this.#pieceSize = pieceSize;
    this.#clock = clock;
  }

  async open(events: SourceEvents): Promise<OpenSource> {
    const { latencyMs, hasEvery, breaksAfter, hangsAfter } = this.#script;
    let queue: (RangeRequest & { done: number })[] = [];
    let timer: Timer | null = null;
    let paused = false;
    let closed = false;
    let sentHere = 0;
    const goOn = (): void => {
      if (!timer && !paused && !closed && queue.length > 0) timer = this.#clock.after(latencyMs, send);
    };
    const send = (): void => {
      timer = null;
      const [request] = queue;
      if (!request || closed || (hangsAfter !== null && this.#sent >= hangsAfter)) return;
      if (breaksAfter !== null && sentHere >= breaksAfter) {
        closed = true;
        return events.gone(new Error('It breaks off.'));
      }
      const bytes = this.#next(request);
      request.done += bytes.length;
      sentHere += bytes.length;
      if (request.done === request.length) queue = queue.filter((other) => other !== request);
      events.data(request.id, bytes);
      goOn();
    };
    return {
      available: hasEvery === 1 ? null : this.#every(hasEvery),
      choked: false,
      roundTripMs: latencyMs,
      request: (requests) => {
        queue.push(...requests.map((request) => ({ ...request, done: 0 })));
        goOn();
      },
      cancel: (id) => {
        queue = queue.filter((request) => request.id !== id);
      },
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
        goOn();
      },
      close: () => {
        closed = true;
        timer?.cancel();
      },
    };
  }

  #next({ offset, length, done }: RangeRequest & { done: number }): Uint8Array {
    const count = Math.min(this.#script.part, length - done);
    const bytes = Uint8Array.from(this.#content.subarray(offset + done, offset + done + count));
    const { liesEvery } = this.#script;
    if (liesEvery > 0 && ++this.#parts % liesEvery === 0) bytes[0] = (bytes[0] as number) ^ 1;
    this.#sent += count;
    return bytes;
  }

  #every(step: number): PieceMap {
    const map = new PieceMap(Math.ceil(this.#content.length / this.#pieceSize));
    for (let piece = 0; piece < map.size; piece += step) map.add(piece);
    return map;
  }
}
