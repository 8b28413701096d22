/** A transfer between programs costs both ends: what each used, beside how long it took. */
import { type Spread, seconds, show, spread } from './measure';
import { cpuSeconds, endedCpuSeconds } from './programs';

const GIB = 2 ** 30;

export class TwoEnds {
  readonly #bytes: number;
  readonly #used = new Map<string, { receiver: number[]; senders: number[] }>();

  /** @param bytes of one transfer */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * Seconds that `receive` takes; it starts the receiving programs and waits for their end.
   * @param senders processes that go on running
   */
  async measure(name: string, senders: readonly number[], receive: () => Promise<unknown>): Promise<number> {
    const sent = (): number => senders.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const before = { receiver: endedCpuSeconds(), senders: sent() };
    const took = await seconds(receive);
    const used = this.#used.get(name) ?? { receiver: [], senders: [] };
    this.#used.set(name, used);
    used.receiver.push(this.#perGib(endedCpuSeconds() - before.receiver));
    used.senders.push(this.#perGib(sent() - before.senders));
    return took;
  }

  /** CPU seconds per GiB of the receiving and of the sending programs, medians. */
  columns(name: string): string[] {
    const { receiver, senders } = this.#used.get(name) ?? { receiver: [], senders: [] };
    return [receiver, senders].map((used) => (used.length > 0 ? spread(used).median.toFixed(2) : '–'));
  }

  /** MiB/s: median (min–max) */
  rate({ median, min, max }: Spread): string {
    const mib = this.#bytes / 2 ** 20;
    return show({ median: mib / median, min: mib / max, max: mib / min }, 0);
  }

  #perGib(seconds: number): number {
    return (seconds * GIB) / this.#bytes;
  }
}
