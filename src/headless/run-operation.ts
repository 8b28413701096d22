/** Runs a node program for one operation, as the command of a client does, and ends it. */
import { type ErrorShape, fromErrorShape, StudioError } from '../contract/errors';
import type { FromNode } from '../contract/node-port';
import { type HostedNode, hostNode } from './host-node';
import { writeLine } from './printable';

/** The only call that is made. */
const CALL = 1;

export interface OperationRun extends HostedNode {
  operation: string;
  input: unknown;
  progress?(value: Record<string, unknown>): void;
}

/**
 * Resolves to the operation's result.
 * @throws StudioError with what went wrong, 'CANCELLED' after Ctrl-C
 */
export async function runOperation({ operation, input, progress, ...node }: OperationRun): Promise<unknown> {
  let settle: { resolve(value: unknown): void; reject(error: Error): void } | undefined;
  const outcome = new Promise<unknown>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const fail = (error: ErrorShape): void => settle?.reject(fromErrorShape(error));
  const post = (message: FromNode): void => {
    if (message.type === 'ready') void host.receive({ type: 'operate', call: CALL, operation, input });
    else if (message.type === 'progress') progress?.(message.value);
    else if (message.type === 'result') settle?.resolve(message.value);
    else if (message.type === 'failed' || message.type === 'fatal') fail(message.error);
  };
  const host = await hostNode(node, post);
  const interrupt = (): void => {
    void host.receive({ type: 'cancel', call: CALL });
    fail({ code: 'CANCELLED', message: 'Cancelled.' });
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    await host.start();
    return await outcome;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await host.receive({ type: 'stop' }).catch(() => {});
  }
}

/**
 * Tells a person why an operation failed.
 * @returns the exit code: 130 after Ctrl-C
 * @throws what is no StudioError, for that is a bug
 */
export function tellFailure(
  error: unknown,
  tell = (text: string): void => writeLine(process.stderr, text),
): number {
  if (!(error instanceof StudioError)) throw error;
  tell(`${error.message}${error.hint ? ` ${error.hint}` : ''}`);
  return error.code === 'CANCELLED' ? 130 : 1;
}
