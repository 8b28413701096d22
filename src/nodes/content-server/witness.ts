import { encodeTestimony, parseProbe } from '../../protocol/witnesses';
import type { Endpoint, NodeContext } from '../../runtime/context';
import { answers } from '../shared/answers';

const PROBE_MS = 500;
/** More questions at once are left unanswered, which saves nobody and kills nobody. */
const MAX_PROBES = 8;
const MAX_BYTES = 1024;

/**
 * Answers a monitor that doubts another server: this one asks that server itself. Only the monitor that it
 * sends heartbeats to is answered, so that nobody else can make it knock at doors.
 */
export class Witness {
  readonly #context: NodeContext;
  readonly #monitor: Endpoint;
  readonly #send: (text: string, to: Endpoint) => void;
  #underWay = 0;

  constructor(context: NodeContext, monitor: Endpoint, send: (text: string, to: Endpoint) => void) {
    this.#context = context;
    this.#monitor = monitor;
    this.#send = send;
  }

  receive(bytes: Uint8Array, from: Endpoint): void {
    if (bytes.length > MAX_BYTES || from.port !== this.#monitor.port || this.#underWay >= MAX_PROBES) return;
    const text = Buffer.from(bytes).toString('utf8');
    const probe = parseProbe(text);
    if (!probe) return;
    const sender = { ...from };
    this.#context.telemetry.trace('in', 'udp', sender, () => text.trimEnd());
    this.#underWay++;
    void answers(this.#context, probe, PROBE_MS).then((answer) => {
      this.#underWay--;
      const testimony = encodeTestimony({ nonce: probe.nonce, answers: answer });
      this.#context.telemetry.trace('out', 'udp', sender, () => testimony);
      this.#send(testimony, sender);
    });
  }
}
