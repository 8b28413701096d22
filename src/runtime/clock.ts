import type { Clock, Timer } from './context';
import { sleepOn } from './sleep';

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (ms, run) => timer(setTimeout(run, Math.max(0, ms))),
  every: (ms, run) => timer(setInterval(run, Math.max(1, ms))),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
};

function timer(handle: NodeJS.Timeout): Timer {
  return { cancel: () => clearTimeout(handle) };
}
