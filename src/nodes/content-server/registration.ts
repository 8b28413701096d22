import type { Endpoint } from '../../contract/endpoint';
import { encode, parseIndexAnswer } from '../../protocol/micro-cdn';
import type { NodeContext } from '../../runtime/context';
import { LineClient } from '../shared/line-client';
import type { ContentConfig } from './manifest';

export const ANSWER_MS = 5000;
/** An index may work on each ADD_FILE before it answers DONE_FILES. */
const ANSWER_PER_FILE_MS = 1;
const BATCH_LENGTH = 64 * 1024;

/** The index answered, and did not like it; or it did not answer what every index answers. */
export class Refused extends Error {}

/** What every index is told in the same words, whoever wrote it: REGISTER, ADD_FILE …, DONE_FILES. */
export class Registration {
  readonly index: Endpoint;
  readonly context: NodeContext;
  readonly serverId: string;
  readonly #ports: { tcp: number; udp: number };
  readonly #host: string;
  readonly #signal: AbortSignal;
  /** The address that the index sees us from, once it has. */
  localHost: string | undefined;
  /** The index has accepted the connection, and files are being announced. */
  onIntroduced: () => void = () => {};

  constructor(
    index: Endpoint,
    config: Pick<ContentConfig, 'serverId' | 'host'>,
    context: NodeContext,
    ports: { tcp: number; udp: number },
    signal: AbortSignal,
  ) {
    this.index = index;
    this.context = context;
    this.serverId = config.serverId;
    this.#host = config.host;
    this.#ports = ports;
    this.#signal = signal;
  }

  /** Connects from the address that we listen on: it is the one that the index hands out. */
  open(signal = this.#signal): Promise<LineClient> {
    const implied = ['0.0.0.0', '::', 'localhost', '127.0.0.1', '::1'].includes(this.#host);
    const options = { timeoutMs: ANSWER_MS, signal, ...(implied ? {} : { localHost: this.#host }) };
    return LineClient.connect(this.context, this.index, options);
  }

  /** A connection for one conversation. */
  async with<T>(use: (client: LineClient) => Promise<T>, signal = this.#signal): Promise<T> {
    const client = await this.open(signal);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }

  /** REGISTER, and waits for OK before anything else, as every index wants it. */
  async introduce(client: LineClient): Promise<void> {
    this.localHost = client.connection.local.host;
    this.onIntroduced();
    const { serverId } = this;
    client.write(encode.register({ serverId, tcpPort: this.#ports.tcp, udpPort: this.#ports.udp }));
    await this.#expect(client, 'registered', 'REGISTER', ANSWER_MS);
  }

  /** Sends many lines in few segments, no faster than they are taken. */
  async announce(client: LineClient, lines: Iterable<string>): Promise<void> {
    let batch = '';
    for (const line of lines) {
      batch += line;
      if (batch.length < BATCH_LENGTH) continue;
      await client.send(batch);
      batch = '';
    }
    if (batch !== '') await client.send(batch);
  }

  /** @param files so many were announced */
  async complete(client: LineClient, files: number): Promise<void> {
    client.write(encode.doneFiles());
    await this.#expect(client, 'files-added', 'DONE_FILES', ANSWER_MS + files * ANSWER_PER_FILE_MS);
  }

  sleep(ms: number): Promise<void> {
    return this.context.clock.sleep(ms, this.#signal);
  }

  /** Skips lines that mean nothing to us; some indexes greet. */
  async #expect(
    client: LineClient,
    type: 'registered' | 'files-added',
    asked: string,
    timeoutMs: number,
  ): Promise<void> {
    const answer = await client.find(timeoutMs, (line) => {
      const parsed = parseIndexAnswer(line).type;
      return parsed === type || parsed === 'error' ? { parsed, line } : undefined;
    });
    if (answer === null) throw new Refused(`It does not answer ${asked}.`);
    if (answer.parsed === 'error') throw new Refused(`It answered ${asked} with "${answer.line}".`);
  }
}
