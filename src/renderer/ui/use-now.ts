import { useEffect, useState } from 'react';

/** The time, for countdowns and "12 s ago": renders again every `ms`, not at all while `active` is false. */
export function useNow(ms: number, active = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    setNow(Date.now());
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, ms);
    return () => clearInterval(timer);
  }, [ms, active]);
  return now;
}
