import type { FaultSpec } from '../../contract/fault';
import { faultCounters } from '../../faults/counters';

/** One fault is told of at most so often, milliseconds. */
const TELL_EVERY_MS = 5000;

interface Effect {
  met: number;
  lost: number;
  toldAt: number;
  toldLost: number;
}

/** Puts into the journal what faults do, so that what follows can be tied to it: "7 of 10 datagrams were lost". */
export class FaultEffects {
  readonly #effects = new Map<string, Effect>();

  /** @param tell puts a sentence about a fault into the journal */
  constructor(private readonly tell: (fault: FaultSpec, sentence: string) => void) {}

  observe(faults: readonly FaultSpec[], counters: Record<string, number>): void {
    const now = Date.now();
    for (const fault of faults) {
      const names = faultCounters(fault.id);
      const met = counters[names.met];
      if (met === undefined) continue;
      const lost = counters[names.lost] ?? 0;
      const known = this.#effects.get(fault.id);
      // Less than before: another process of the node, which counts from nothing.
      const effect = known && lost >= known.lost ? known : { met: 0, lost: 0, toldAt: 0, toldLost: 0 };
      const tells = lost > effect.toldLost && now - effect.toldAt >= TELL_EVERY_MS;
      this.#effects.set(fault.id, {
        ...effect,
        met,
        lost,
        ...(tells ? { toldAt: now, toldLost: lost } : {}),
      });
      if (tells) this.tell(fault, sentence(fault, met, lost));
    }
  }

  /** '7 of 10 datagrams were lost'; empty when nothing was. */
  summary(fault: FaultSpec): string {
    const effect = this.#effects.get(fault.id);
    return effect && effect.lost > 0 ? sentence(fault, effect.met, effect.lost) : '';
  }

  forget(fault: FaultSpec): void {
    this.#effects.delete(fault.id);
  }
}

function sentence(fault: FaultSpec, met: number, lost: number): string {
  const [only] = fault.scope.messages?.length === 1 ? fault.scope.messages : [];
  return `${lost} of ${met} ${only === undefined ? 'datagrams' : `${only} datagrams`} were lost`;
}
