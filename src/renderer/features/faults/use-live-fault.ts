import { useCallback, useEffect, useRef, useState } from 'react';
import type { FaultSpec } from '../../../contract/fault';

/** Changes go to the core at most so often while a slider moves, milliseconds. */
const SEND_EVERY_MS = 100;
/** So long after the last change the core's answer counts again. */
const SETTLED_MS = 600;

/**
 * A fault while a person changes it: shown at once, sent on a few times a second, the last change always.
 * @param fault as the core has it
 */
export function useLiveFault(
  fault: FaultSpec,
  send: (fault: FaultSpec) => void,
): [FaultSpec, (change: Partial<FaultSpec>) => void] {
  const [draft, setDraft] = useState<FaultSpec | null>(null);
  const newest = useRef<FaultSpec | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sender = useRef(send);
  useEffect(() => {
    sender.current = send;
  }, [send]);

  const flush = useCallback((): void => {
    timer.current = undefined;
    if (newest.current) sender.current(newest.current);
    newest.current = null;
  }, []);

  useEffect(
    () => () => {
      clearTimeout(timer.current);
      clearTimeout(settling.current);
      flush();
    },
    [flush],
  );

  const change = (part: Partial<FaultSpec>): void => {
    const next = { ...(newest.current ?? draft ?? fault), ...part };
    newest.current = next;
    setDraft(next);
    timer.current ??= setTimeout(flush, SEND_EVERY_MS);
    clearTimeout(settling.current);
    settling.current = setTimeout(() => setDraft(null), SETTLED_MS);
  };
  return [draft ?? fault, change];
}
