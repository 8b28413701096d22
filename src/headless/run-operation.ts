/** Runs a node program for one operation, as the command of a client does, and ends it. */
import { type ErrorShape, fromErrorShape } from '../contract/errors';
import type { FaultSpec } from '../contract/fault';
import type { FromNode, ToNode } from '../contract/node-port';
import { NodeHost } from '../runtime/host';
import { loadProgram } from '../runtime/programs';

/** The only call that is made. */
const CALL = 1;

export interface OperationRun {
  kind: string;
  config: Record<string, unknown>;
  seed: number;
  faults: FaultSpec[];
  operation: string;
  input: unknown;
  progress?(value: Record<string, unknown>): void;
}

/**
 * Resolves to the operation's result.
 * @throws StudioError with what went wrong, 'CANCELLED' after Ctrl-C
 */
export async function runOperation({
  kind,
  config,
  seed,
  faults,
  operation,
  input,
  progress,
}: OperationRun): Promise<unknown> {
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
  const start = {
    type: 'start',
    kind,
    config,
    seed,
    faults,
    watch: { visible: false, messages: false },
  } satisfies ToNode;
  const host = new NodeHost(await loadProgram(kind), start, post);
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
