import { StudioError } from '../../contract/errors';

/** Cancels what is under way, and not what begins later. */
export class Cancellation {
  #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  cancel(): void {
    this.#controller.abort(new StudioError('CANCELLED', 'It was cancelled.'));
    this.#controller = new AbortController();
  }
}

/** Waits for `work`, which goes on by itself, until `signal` is aborted. @throws the signal's reason */
export function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
