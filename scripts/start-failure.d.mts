export function startFailure(end: {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Milliseconds after its start. */
  afterMs: number;
}): string | undefined;
