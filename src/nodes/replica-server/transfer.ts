import { ACK, BULK, encodeBulkHead, encodePart, FIN, type Header, MAX_PAYLOAD } from '../../protocol/replica';
import type { Connection } from '../../runtime/context';
import type { PageReader } from './page';

/** A client that has the page gets so long to close, ms: until then it counts as being served. */
const LINGER_MS = 2000;

/**
 * One client: sends a part for each packet of the client, until the last part is answered. A client that takes
 * bulk gets the rest in one piece.
 */
export class Transfer {
  /** Page bytes sent so far. */
  bytes = 0;
  bulk = false;
  /** The client has answered the last packet. */
  completed = false;
  #lastSent = false;
  #busy = false;

  constructor(
    readonly connection: Connection,
    readonly reader: PageReader,
    /** Unix ms. */
    readonly since: number,
    readonly allowBulk: boolean,
  ) {}

  /** The client's request, or its answer to the last part. */
  packet(header: Header): void {
    if (this.#lastSent) {
      this.completed = true;
      this.connection.end();
      this.connection.setIdle(LINGER_MS, () => this.connection.destroy());
      return;
    }
    // A client that does not wait for the part it asked for gets no second one.
    if (this.#busy) return;
    if (this.allowBulk && header.flags === (ACK | BULK)) void this.#sendBulk(header);
    else if (header.flags & FIN) this.connection.end();
    else this.#sendPart(header);
  }

  #sendPart(header: Header): void {
    const part = this.reader.next(MAX_PAYLOAD);
    if (part instanceof Uint8Array) return this.#writePart(header, part);
    this.#busy = true;
    part.then(
      (bytes) => {
        this.#busy = false;
        this.#writePart(header, bytes);
      },
      (error) => this.connection.destroy(error),
    );
  }

  #writePart(header: Header, part: Uint8Array): void {
    this.#lastSent = this.reader.atEnd;
    this.bytes += part.length;
    this.connection.write(encodePart(header, part, this.#lastSent));
  }

  async #sendBulk(header: Header): Promise<void> {
    this.#busy = true;
    this.bulk = true;
    try {
      this.connection.write(encodeBulkHead(header, this.reader.remaining));
      for await (const slice of this.reader.slices()) {
        await this.connection.send(slice);
        this.bytes += slice.length;
      }
      this.#lastSent = true;
      this.#busy = false;
      this.connection.write(this.reader.sha256());
    } catch (error) {
      this.connection.destroy(error as Error);
    }
  }
}
