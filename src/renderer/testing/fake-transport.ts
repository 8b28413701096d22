/** A transport without a core: answers from a table, pushes what the test says. */
import type { CallInput, CallName, CallOutput, StudioTransport } from '../../contract/calls';
import { StudioError } from '../../contract/errors';
import type { EventBatch, StudioEvent } from '../../contract/events';

type Answers = { [N in CallName]?: (input: CallInput<N>) => CallOutput<N> | Promise<CallOutput<N>> };
type ConnectionListener = Parameters<StudioTransport['onConnection']>[0];

export class FakeTransport implements StudioTransport {
  readonly calls: { name: CallName; input: unknown }[] = [];
  seq = 0;
  readonly #batchListeners = new Set<(batch: EventBatch) => void>();
  readonly #connectionListeners = new Set<ConnectionListener>();

  constructor(readonly answers: Answers) {}

  async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    this.calls.push({ name, input });
    const answer = this.answers[name];
    if (!answer) throw new StudioError('NO_ANSWER', `The fake has no answer to ${name}.`);
    return answer(input);
  }

  subscribe(onBatch: (batch: EventBatch) => void): () => void {
    this.#batchListeners.add(onBatch);
    return () => this.#batchListeners.delete(onBatch);
  }

  onConnection(listener: ConnectionListener): () => void {
    this.#connectionListeners.add(listener);
    listener('connected');
    return () => this.#connectionListeners.delete(listener);
  }

  /** The next batch. */
  push(...events: StudioEvent[]): void {
    this.seq += 1;
    for (const listener of this.#batchListeners) listener({ seq: this.seq, events });
  }

  /** A batch that never arrives. */
  lose(): void {
    this.seq += 1;
  }

  connection(...state: Parameters<ConnectionListener>): void {
    for (const listener of this.#connectionListeners) listener(...state);
  }
}
