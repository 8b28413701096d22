/** What the download engine needs of a source, whatever protocol it speaks. */
import type { PieceMap } from '../../protocol/pieces/piece-map';

/** A stretch of the file, in bytes. */
export interface Span {
  offset: number;
  length: number;
}

/** A part of the file that a source is asked for. */
export interface RangeRequest extends Span {
  id: number;
}

/** What an open source tells the engine. After `gone` it tells nothing more. */
export interface SourceEvents {
  /** Bytes of the answer to a request, in order; the buffer is only lent. */
  data(requestId: number, bytes: Uint8Array): void;
  /** The source will not answer this request: it does not have that part. */
  rejected(requestId: number): void;
  /** While choked a source answers nothing, and has forgotten what it was asked for. */
  choked(choked: boolean): void;
  have(piece: number): void;
  /** It is alive, though it sends nothing that was asked for. */
  life(): void;
  gone(error: Error): void;
}

export interface OpenSource {
  /** The pieces it has now; null: all of them. */
  readonly available: PieceMap | null;
  readonly choked: boolean;
  readonly roundTripMs: number;
  /** Answers come in this order. */
  request(requests: readonly RangeRequest[]): void;
  /** Best effort: bytes may still come and are thrown away. */
  cancel(requestId: number): void;
  pause(): void;
  resume(): void;
  close(): void;
}

export interface Source {
  /** Unique within a download; shown to people: a server's id, or `host:port`. */
  readonly id: string;
  /** `host:port`, for people. */
  readonly address: string;
  /**
   * Connects, and makes sure that it holds this very file.
   * @throws when it cannot be reached, does not have the file, or has another one of that name
   */
  open(events: SourceEvents, signal: AbortSignal): Promise<OpenSource>;
}
