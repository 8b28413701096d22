import { expect, it } from 'vitest';
import type { FaultSpec } from '../contract/fault';
import { RecordingMachine } from '../faults/testing/worlds';
import { FaultSet } from './fault-set';
import { FakeClock } from './testing/fake-clock';

const turn = async (): Promise<void> => {};

/** Time goes on between two looks at it, as it does. */
class RunningClock extends FakeClock {
  #looks = 0;

  constructor(readonly perLookMs: number) {
    super(turn);
  }

  override now(): number {
    return super.now() + this.#looks++ * this.perLookMs;
  }
}

it('a fault ends when its schedule says so, wherever between two looks at the clock that is', async () => {
  const schedule = { forMs: 5 };
  const hang: FaultSpec = {
    id: 'f',
    kind: 'hang',
    node: 'n',
    scope: {},
    params: {},
    enabled: true,
    schedule,
  };
  for (let perLookMs = 0.1; perLookMs < 5; perLookMs += 0.1) {
    const clock = new RunningClock(perLookMs);
    const faults = new FaultSet({ clock, machine: new RecordingMachine(() => clock.now()), count: () => {} });
    faults.set([hang]);
    await clock.advance(1000);
    expect({ perLookMs, suspended: faults.suspended }).toEqual({ perLookMs, suspended: false });
  }
});
