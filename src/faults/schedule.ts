import type { FaultSchedule } from '../contract/fault';

/** What a schedule says of one moment. */
export interface Moment {
  acts: boolean;
  /** 0–1: how much of what is set acts; less than 1 only while a ramp lasts. */
  strength: number;
  /** Milliseconds until `acts` changes, or the ramp ends; infinite when nothing changes any more. */
  changesIn: number;
}

/** @param elapsed milliseconds since the fault was set */
export function momentOf(schedule: FaultSchedule | undefined, elapsed: number): Moment {
  const { afterMs = 0, forMs = Number.POSITIVE_INFINITY, rampMs = 0, onMs = 0, offMs = 0 } = schedule ?? {};
  const since = elapsed - afterMs;
  if (since < 0) return { acts: false, strength: 0, changesIn: -since };
  const left = forMs - since;
  if (left <= 0) return { acts: false, strength: 0, changesIn: Number.POSITIVE_INFINITY };
  const ramping = since < rampMs;
  const strength = ramping ? since / rampMs : 1;
  const rampLeft = ramping ? rampMs - since : Number.POSITIVE_INFINITY;
  const period = onMs + offMs;
  if (onMs === 0 || offMs === 0) return { acts: true, strength, changesIn: Math.min(left, rampLeft) };
  const phase = since % period;
  const acts = phase < onMs;
  return { acts, strength, changesIn: Math.min(left, rampLeft, (acts ? onMs : period) - phase) };
}

/** 'after 10 s, for 5 s, growing over 30 s, 2 s on and 1 s off'; empty when there is nothing to say. */
export function describeSchedule(schedule: FaultSchedule | undefined): string {
  if (!schedule) return '';
  const { afterMs, forMs, rampMs, onMs, offMs } = schedule;
  return [
    afterMs ? `after ${duration(afterMs)}` : '',
    forMs ? `for ${duration(forMs)}` : '',
    rampMs ? `growing over ${duration(rampMs)}` : '',
    onMs && offMs ? `${duration(onMs)} on and ${duration(offMs)} off` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}
