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
