import { parseEndpoint } from '../../../contract/endpoint';
import {
  type CheckReply,
  encodeMessage,
  JsonReader,
  parseCheckReply,
  parseMessage,
  type RingMessage,
} from '../../../protocol/ring-messages';
import type { Connection, Endpoint, NodeContext } from '../../../runtime/context';

/** Answers longer than this are cut off, bytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** What was there when somebody sent CHECK. */
export type Look =
  | { is: 'ours'; reply: CheckReply }
  /** It took the message and closed, as a foreign program does. */
  | { is: 'foreign' }
  /** It took the connection, and then nothing came: foreign, or one of ours that hangs. */
  | { is: 'mute' }
  /** It refuses connections: the program is gone. */
  | { is: 'gone' }
  | { is: 'unreachable' };

export function endpointOf(address: string): Endpoint {
  const endpoint = parseEndpoint(address);
  if (!endpoint) throw new Error(`"${address}" is no address.`);
  return endpoint;
}

/** The seed's messages, one connection each, as a foreign program sends and takes them. */
export class PlainSender {
  constructor(
    readonly context: NodeContext,
    readonly timeoutMs: number,
  ) {}

  /** @throws the error of the connection */
  async send(address: string, message: RingMessage): Promise<void> {
    const connection = await this.#write(address, message);
    // The receiver closes when it has read; one that never does is not waited for.
    connection.handle({ data: () => {}, end: () => connection.destroy() });
    connection.setIdle(this.timeoutMs, () => connection.destroy());
    connection.end();
  }

  /** The answer to GET or PUT; null when there was none. @throws the error of the connection */
  async ask(address: string, message: RingMessage): Promise<RingMessage | null> {
    const answer = await this.#answer(await this.#write(address, message), this.timeoutMs);
    return typeof answer === 'string' ? null : parseMessage(answer.text);
  }

  /** Sends CHECK, and tells from what happens within `patienceMs` who is there. */
  async look(address: string, patienceMs: number): Promise<Look> {
    let connection: Connection;
    try {
      connection = await this.#write(address, { type: 'CHECK' });
    } catch (error) {
      return { is: (error as { code?: string }).code === 'ECONNREFUSED' ? 'gone' : 'unreachable' };
    }
    const answer = await this.#answer(connection, patienceMs);
    if (answer === 'ended' || answer === 'silent') return { is: answer === 'ended' ? 'foreign' : 'mute' };
    const reply = parseCheckReply(answer.text);
    return reply ? { is: 'ours', reply } : { is: 'foreign' };
  }

  async #write(address: string, message: RingMessage): Promise<Connection> {
    const endpoint = endpointOf(address);
    const connection = await this.context.net.connect(endpoint, { timeoutMs: this.timeoutMs });
    const text = encodeMessage(message);
    this.context.telemetry.trace('out', 'tcp', endpoint, () => text);
    connection.write(text);
    return connection;
  }

  /** The first JSON object; 'ended' when the connection ends without one, 'silent' when nothing comes in time. */
  #answer(connection: Connection, timeoutMs: number): Promise<{ text: string } | 'ended' | 'silent'> {
    return new Promise((resolve) => {
      const reader = new JsonReader(MAX_ANSWER);
      const finish = (answer: { text: string } | 'ended' | 'silent'): void => {
        timer.cancel();
        connection.destroy();
        resolve(answer);
      };
      const timer = this.context.clock.after(timeoutMs, () => finish('silent'));
      connection.handle({
        data: (bytes) => {
          const usable = reader.push(bytes, (text) => {
            this.context.telemetry.trace('in', 'tcp', connection.remote, () => text);
            finish({ text });
          });
          if (!usable) finish('ended');
        },
        end: () => finish('ended'),
        close: () => finish('ended'),
      });
    });
  }
}
