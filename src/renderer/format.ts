/** Numbers and times as a person reads them. One place, so that the same thing always looks the same. */
import { formatBytes } from '../contract/format-bytes';

export { formatBytes };

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `1 file`, `12 000 files` with the reader's own grouping. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? singular : plural}`;
}

/** Whole progress in percent that says 100 only when it is. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0) return '100 %';
  const percent = Math.floor((done / total) * 100);
  return `${Math.max(0, Math.min(done < total ? 99 : 100, percent))} %`;
}

/** A span: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSpan(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A running clock: `0:07`, `12:34`, `1:02:03`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const head = minutes < 60 ? String(minutes) : `${Math.floor(minutes / 60)}:${two(minutes % 60)}`;
  return `${head}:${two(seconds % 60)}`;
}

/** Time left at this rate; undefined when nothing moves. */
export function remainingMs(done: number, total: number | undefined, perSecond: number): number | undefined {
  if (total === undefined || perSecond <= 0) return undefined;
  return ((total - done) / perSecond) * 1000;
}

/** `14:05:09`, with milliseconds where order matters: `14:05:09.042`. */
export function formatTime(unixMs: number, withMilliseconds = false): string {
  const time = new Date(unixMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return withMilliseconds ? `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** Today's times as `14:05`, other days as `21 Nov 2026`. */
export function formatDate(unixMs: number, nowMs: number): string {
  const time = new Date(unixMs);
  if (time.toDateString() === new Date(nowMs).toDateString()) return formatTime(unixMs).slice(0, 5);
  return time.toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `now`, `12 s ago`, `5 min ago`. */
export function formatAgo(unixMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - unixMs) / 1000));
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}
