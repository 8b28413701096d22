import type { Log } from '../../runtime/context';

/** Lets work go on by itself. Nobody waits for its end, so its failure is logged: it must not end the node. */
export function inBackground(log: Log, what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) =>
    log.warn(`${what}: ${error instanceof Error ? error.message : String(error)}`),
  );
}
