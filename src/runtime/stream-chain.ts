import type { StreamItem } from '../faults/fault';
import { ChainedLines } from './chained-lines';
import type { LiveFault } from './live-fault';
import type { StreamLine } from './stream-line';

/** The faults on one direction of one connection, in order. */
export class StreamChain {
  readonly #lines: ChainedLines<StreamItem, StreamLine>;
  #cleared = false;

  constructor(sink: (item: StreamItem) => void) {
    this.#lines = new ChainedLines(sink);
  }

  get empty(): boolean {
    return this.#lines.all.length === 0;
  }

  get heldBytes(): number {
    return this.#lines.all.reduce((sum, line) => sum + line.heldBytes, 0);
  }

  /** True when the sender should be held back. */
  get full(): boolean {
    return this.#lines.all.some((line) => line.full);
  }

  push(item: StreamItem): void {
    this.#lines.push(item);
  }

  /**
   * Makes the chain consist of these faults. Lines of faults that stay are kept with what they hold; what
   * removed lines held goes on at once, and never overtakes what is in front of it.
   */
  adopt(faults: readonly LiveFault[], makeLine: (fault: LiveFault) => StreamLine | undefined): void {
    this.#lines.keepOnly(faults);
    if (this.#cleared) return;
    const stayed = this.#lines.all;
    const kept = new Map(stayed.map((line) => [line.fault, line]));
    const lines = faults.flatMap((fault) => kept.get(fault) ?? makeLine(fault) ?? []);
    const reordered = lines.filter((line) => kept.has(line.fault)).some((line, at) => line !== stayed[at]);
    // Another order: what is under way passes the chain anew, so that nothing overtakes.
    const underWay = reordered ? this.#takeAll() : [];
    this.#lines.set(lines);
    for (const line of lines) line.retime();
    for (const item of underWay) this.push(item);
  }

  /** Throws away what is under way; the connection is gone, and the chain stays empty. */
  clear(): void {
    this.#takeAll();
    this.#cleared = true;
    this.#lines.set([]);
  }

  #takeAll(): StreamItem[] {
    return this.#lines.all.toReversed().flatMap((line) => line.take());
  }
}
