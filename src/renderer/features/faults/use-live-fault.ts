import { useCallback, useEffect, useRef, useState } from 'react';
import type { FaultSpec } from '../../../contract/fault';

/** Changes go to the core at most so often while a slider moves, milliseconds. */
const SEND_EVERY_MS = 100;
/** So long after the core has answered to the last change, its word has arrived, too, and counts again. */
const SETTLED_MS = 600;

/**
 * A fault while a person changes it: shown at once, sent on a few times a second, the last change always.
 * @param fault as the core has it
 * @param send resolves when the core has answered; never rejects
 */
export function useLiveFault(
  fault: FaultSpec,
  send: (fault: FaultSpec) => Promise<void>,
): [FaultSpec, (change: Partial<FaultSpec>) => void] {
  const [draft, setDraft] = useState<FaultSpec | null>(null);
  /** Not yet sent. */
  const newest = useRef<FaultSpec | null>(null);
  /** The last change, sent or not. */
  const latest = useRef<FaultSpec | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sender = useRef(send);
  useEffect(() => {
    sender.current = send;
  }, [send]);

  const flush = useCallback(async (): Promise<void> => {
    timer.current = undefined;
    const sent = newest.current;
    if (!sent) return;
    newest.current = null;
    latest.current = sent;
    await sender.current(sent);
    // Before the core has this change, what it says is older than what was set here.
    if (latest.current === sent) settling.current = setTimeout(() => setDraft(null), SETTLED_MS);
  }, []);

  useEffect(
    () => () => {
      clearTimeout(timer.current);
      void flush();
      latest.current = null;
      clearTimeout(settling.current);
    },
    [flush],
  );

  const change = (part: Partial<FaultSpec>): void => {
    const next = { ...(newest.current ?? draft ?? fault), ...part };
    newest.current = latest.current = next;
    setDraft(next);
    timer.current ??= setTimeout(flush, SEND_EVERY_MS);
    clearTimeout(settling.current);
  };
  return [draft ?? fault, change];
}
