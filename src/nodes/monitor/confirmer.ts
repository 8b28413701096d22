import { chooseWitnesses, encodeProbe, parseTestimony } from '../../protocol/witnesses';
import type { Endpoint, NodeContext } from '../../runtime/context';
import { answers } from '../shared/answers';

/** Witnesses are remembered by the address of their heartbeats. */
const MAX_WITNESSES = 10_000;

export interface ConfirmerOptions {
  /** Others that are asked about a suspect. */
  count: number;
  /** Time for the answers, ms. */
  confirmMs: number;
  /** Whether a server is alive without doubt, and so may be asked about others. */
  isTrusted(serverId: string): boolean;
  send(text: string, to: Endpoint): void;
  /** Somebody got an answer from the suspect. `by`: who. */
  onSaved(serverId: string, by: string): void;
}

/** Asks a suspect, and others about it, before silence is taken for death (see `protocol/witnesses`). */
export class Confirmer {
  readonly #context: NodeContext;
  readonly #options: ConfirmerOptions;
  /** Where each server's heartbeats come from: there it takes questions. */
  readonly #addresses = new Map<string, Endpoint>();
  /** By nonce: who is doubted, and who was asked. */
  readonly #open = new Map<string, { suspect: string; witness: string }>();
  #questions = 0;

  constructor(context: NodeContext, options: ConfirmerOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** A heartbeat came from there. */
  heardFrom(serverId: string, from: Endpoint): void {
    if (this.#addresses.size < MAX_WITNESSES || this.#addresses.has(serverId)) {
      this.#addresses.set(serverId, { ...from });
    }
  }

  /** Doubts a server that listens at `at`. */
  ask(suspect: string, at: Endpoint): void {
    const { count, confirmMs, isTrusted, onSaved, send } = this.#options;
    void answers(this.#context, at, confirmMs).then((answer) => {
      if (answer) onSaved(suspect, 'the monitor itself');
    });
    const candidates = [...this.#addresses].filter(([id]) => id !== suspect && isTrusted(id));
    const asked = chooseWitnesses(candidates, count, () => this.#context.random());
    for (const [witness, address] of asked) {
      const nonce = `${(this.#questions++).toString(36)}.${Math.floor(this.#context.random() * 2 ** 32).toString(36)}`;
      this.#open.set(nonce, { suspect, witness });
      this.#context.clock.after(confirmMs, () => this.#open.delete(nonce));
      send(encodeProbe({ nonce, ...at }), address);
    }
  }

  /** Takes a datagram if it is an answer. */
  takes(text: string): boolean {
    const testimony = parseTestimony(text);
    if (!testimony) return false;
    const question = this.#open.get(testimony.nonce);
    this.#open.delete(testimony.nonce);
    if (question && testimony.answers) this.#options.onSaved(question.suspect, question.witness);
    return true;
  }
}
