import { AccrualDetector } from '../../protocol/accrual-detector';
import { type FailureDetector, TimeoutDetector } from '../../protocol/failure-detector';
import type { MonitorConfig } from './manifest';

/** The detector that a monitor was told to use. With witnesses, a server is suspected early enough to ask them. */
export function detectorOf(config: MonitorConfig): FailureDetector {
  const { timeoutMs, threshold, confirm, confirmMs } = config;
  if (config.detector === 'accrual') {
    return new AccrualDetector({
      threshold,
      suspectThreshold: Math.min(1, threshold),
      window: 200,
      // A quarter of the interval that the time-out is meant for: one beat may be lost without a death.
      minDeviationMs: Math.max(1, timeoutMs / 11),
      firstIntervalMs: timeoutMs / 2.7,
      pauseMs: confirm > 0 ? confirmMs : 0,
    });
  }
  const suspectAfterMs = confirm > 0 ? Math.max(timeoutMs / 2, timeoutMs - confirmMs) : timeoutMs / 2;
  return new TimeoutDetector({ deadAfterMs: timeoutMs, suspectAfterMs });
}
