import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { encode, PACE_MS, parseIndexAnswer, WELCOME_WAIT_MS } from '../../protocol/micro-cdn';
import {
  contentFeatures,
  extension,
  parseIndexExtensionAnswer,
  type StatusAnswer,
} from '../../protocol/micro-cdn-extensions';
import type { NodeContext } from '../../runtime/context';
import { codeOf, unreachable } from '../shared/error-text';
import { LineClient } from '../shared/line-client';
import { announceToForeign } from './announcement';
import type { Library, LibraryChange } from './library';
import type { ContentConfig, ContentSnapshot } from './manifest';

const ANSWER_MS = 5000;
/** An index may work on each ADD_FILE before it answers DONE_FILES. */
const ANSWER_PER_FILE_MS = 1;
/** Our own index is asked this often what it thinks of us; a foreign one less often, since it costs a lookup. */
const PROBE_MS = 1000;
const FOREIGN_PROBE_MS = 5000;
/** A foreign index that never names us may have us for dead; registering again does no harm. */
const FIRST_REFRESH_MS = 20_000;
const LAST_REFRESH_MS = 300_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2000;
const BATCH_LENGTH = 64 * 1024;
/** Our last word to the index must not delay the end. */
const FAREWELL_MS = 250;

/**
 * - `ours`: our own index, with extensions.
 * - `seed`: any index; lines in batches.
 * - `paced`: an index that reads one command per receive and would lose the others.
 */
type Dialect = 'ours' | 'seed' | 'paced';

/** The index answered, and did not like it. */
class Refused extends Error {}

/**
 * Keeps the index informed: registers, announces files and their changes, looks now and then whether the index
 * still knows this server, and registers again when it was restarted or has declared this server dead.
 */
export class IndexLink {
  readonly #index: Endpoint;
  readonly #config: ContentConfig;
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #stopped = new AbortController();
  readonly #ports: { tcp: number; udp: number };
  #dialect: Dialect;
  /** What the index was last seen to speak; unknown before the first contact and after each failure. */
  #known = false;
  #nonAsciiBreaks = false;
  #state: ContentSnapshot['index'] = 'registering';
  #detail = 'It has not answered yet.';
  /** The state that the journal was told last. */
  #told: ContentSnapshot['index'] | undefined;
  #heldBack: ContentSnapshot['heldBack'] = [];
  /** Changes that the index has not been told: the size, or null for a file that is gone. */
  #changes = new Map<string, number | null>();
  #suspicious = false;
  #wake: (() => void) | undefined;
  /** Files that our own index has counted for us. */
  #counted = 0;
  #lastNamed = 0;
  #refreshMs = FIRST_REFRESH_MS;
  onChange: () => void = () => {};

  constructor(
    index: Endpoint,
    config: ContentConfig,
    context: NodeContext,
    library: Library,
    ports: { tcp: number; udp: number },
  ) {
    this.#index = index;
    this.#config = config;
    this.#context = context;
    this.#library = library;
    this.#ports = ports;
    this.#dialect = config.indexDialect === 'paced' ? 'paced' : 'seed';
  }

  get state(): ContentSnapshot['index'] {
    return this.#state;
  }

  get detail(): string {
    return this.#detail;
  }

  get heldBack(): ContentSnapshot['heldBack'] {
    return this.#heldBack;
  }

  /** The index has said which address it sees us from. */
  localHost: string | undefined;

  start(): void {
    void this.#run();
  }

  filesChanged({ added, changed, removed }: LibraryChange): void {
    for (const { name, size } of [...added, ...changed]) this.#changes.set(name, size);
    for (const name of removed) this.#changes.set(name, null);
    this.#wake?.();
  }

  /** This process stood still for so long that it may have been declared dead. */
  suspect(): void {
    this.#suspicious = true;
    this.#wake?.();
  }

  /**
   * Asks the index to send no more clients; gives up soon, since what matters is that we close.
   * @returns true when the index understood
   */
  async leave(): Promise<boolean> {
    const registered = this.#state === 'registered' && !this.#stopped.signal.aborted;
    this.stop();
    if (!registered) return false;
    const timeUp = new AbortController();
    const farewell = this.#sayFarewell(timeUp.signal).catch(() => false);
    const understood = await Promise.race([
      farewell,
      this.#context.clock.sleep(FAREWELL_MS, timeUp.signal).then(
        () => false,
        () => false,
      ),
    ]);
    timeUp.abort();
    return understood;
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake?.();
  }

  get #serverId(): string {
    return this.#config.serverId;
  }

  /** May find out what the index speaks, and change to it. */
  get #adapts(): boolean {
    return this.#config.indexDialect === 'auto' && !this.#config.strict;
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#register();
        retryMs = FIRST_RETRY_MS;
        await this.#stayRegistered();
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#lost(error);
        await this.#pause(retryMs);
        retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
      }
    }
  }

  /** Resolves when it is time to register again. */
  async #stayRegistered(): Promise<void> {
    for (;;) {
      await this.#pause(this.#dialect === 'ours' ? PROBE_MS : FOREIGN_PROBE_MS);
      this.#stopped.signal.throwIfAborted();
      const suspicious = this.#suspicious;
      this.#suspicious = false;
      const ours = this.#dialect === 'ours';
      if (!ours && (suspicious || this.#changes.size > 0)) return;
      const fine = !ours
        ? await this.#probeForeign()
        : this.#changes.size > 0
          ? await this.#update()
          : await this.#probe();
      if (!fine) return;
    }
  }

  // ── Registering ─────────────────────────────────────────────────────────────────────────────────────

  async #register(): Promise<void> {
    if (!this.#known) await this.#greet();
    this.#changes.clear();
    this.#suspicious = false;
    if (this.#dialect === 'ours') await this.#registerOurs();
    else await this.#registerForeign();
    this.#known = true;
    this.#lastNamed = this.#context.clock.now();
    const files = this.#library.files.size;
    this.#setState('registered', `${files} ${files === 1 ? 'file' : 'files'} announced.`);
  }

  /** Finds out whether the index is one of ours. A foreign one sees a HELLO, and may answer ERROR. */
  async #greet(): Promise<void> {
    if (!this.#adapts) return;
    await this.#withClient(async (client) => {
      client.write(extension.hello(['delta']));
      const line = await client.next(WELCOME_WAIT_MS).catch(() => null);
      const answer = parseIndexAnswer(line ?? '');
      const ours = answer.type === 'welcome' && answer.features.includes('delta');
      if (ours) this.#dialect = 'ours';
      else if (this.#dialect === 'ours') this.#dialect = 'seed';
    });
  }

  async #registerOurs(): Promise<void> {
    this.#setHeldBack([]);
    await this.#withClient(async (client) => {
      await this.#introduce(client);
      client.write(extension.features(this.#serverId, contentFeatures));
      await this.#sendLines(
        client,
        [...this.#library.files.values()].map(({ name, size }) => encode.addFile(this.#serverId, name, size)),
      );
      await this.#completeList(client, this.#library.files.size);
      this.#counted = (await this.#askStatus(client))?.files ?? 0;
    });
  }

  async #registerForeign(): Promise<void> {
    const { files, heldBack } = announceToForeign(this.#library.files.values(), this.#nonAsciiBreaks);
    this.#setHeldBack(heldBack);
    const lines = files.map(({ wireName, size }) => encode.addFile(this.#serverId, wireName, size));
    try {
      await this.#withClient(async (client) => {
        await this.#introduce(client);
        if (this.#dialect === 'paced') await this.#sendPaced(client, lines);
        else await this.#sendLines(client, lines);
        await this.#completeList(client, files.length);
      });
    } catch (error) {
      if (lines.length > 0 && !this.#stopped.signal.aborted)
        this.#adapt(
          files.map(({ wireName }) => wireName),
          error,
        );
      throw error;
    }
    const last = files.at(-1);
    if (last && this.#adapts && this.#dialect === 'seed' && (await this.#whoHolds(last.wireName)) === null) {
      this.#dialect = 'paced';
      throw new Refused('It lost files that came in one segment; they are sent one by one now.');
    }
  }

  /** An index that stops answering in the middle of a list is one that loses lines, or one that stumbles over a name. */
  #adapt(wireNames: string[], error: unknown): void {
    const unanswered =
      error instanceof Refused || codeOf(error) === 'ECLOSED' || codeOf(error) === 'ECONNRESET';
    if (!this.#adapts || !unanswered) return;
    if (!this.#nonAsciiBreaks && wireNames.some((name) => /[^ -~]/.test(name))) this.#nonAsciiBreaks = true;
    else if (this.#dialect === 'seed') this.#dialect = 'paced';
  }

  /** REGISTER, and waits for OK before anything else, as every index wants it. */
  async #introduce(client: LineClient): Promise<void> {
    this.localHost = client.connection.local.host;
    if (this.#state !== 'registered') this.#setState('registering', 'Files are being announced.');
    client.write(
      encode.register({ serverId: this.#serverId, tcpPort: this.#ports.tcp, udpPort: this.#ports.udp }),
    );
    await this.#expect(client, 'registered', 'REGISTER', ANSWER_MS);
  }

  async #completeList(client: LineClient, files: number): Promise<void> {
    client.write(encode.doneFiles());
    await this.#expect(client, 'files-added', 'DONE_FILES', ANSWER_MS + files * ANSWER_PER_FILE_MS);
  }

  async #sendLines(client: LineClient, lines: string[]): Promise<void> {
    let batch = '';
    for (const line of lines) {
      batch += line;
      if (batch.length < BATCH_LENGTH) continue;
      await client.send(batch);
      batch = '';
    }
    if (batch !== '') await client.send(batch);
  }

  async #sendPaced(client: LineClient, lines: string[]): Promise<void> {
    for (const line of lines) {
      await this.#sleep(PACE_MS);
      await client.send(line);
    }
    await this.#sleep(PACE_MS);
  }

  /** Skips lines that mean nothing to us; some indexes greet. */
  async #expect(client: LineClient, type: 'registered' | 'files-added', asked: string, timeoutMs: number) {
    for (;;) {
      const line = await client.next(timeoutMs);
      if (line === null) throw new Refused(`It does not answer ${asked}.`);
      const answer = parseIndexAnswer(line);
      if (answer.type === type) return;
      if (answer.type === 'error') throw new Refused(`It answered ${asked} with "${line}".`);
    }
  }

  // ── Staying registered ──────────────────────────────────────────────────────────────────────────────

  /** Tells our own index what changed. False: it wants a registration. */
  #update(): Promise<boolean> {
    const changes = this.#changes;
    this.#changes = new Map();
    return this.#withClient(async (client) => {
      client.write(extension.update(this.#serverId));
      const answer = await client.next(ANSWER_MS);
      if (answer === null) throw new Refused('It does not answer UPDATE.');
      if (parseIndexExtensionAnswer(answer)?.type !== 'updating') return false;
      const lines = [...changes].map(([name, size]) =>
        size === null
          ? extension.removeFile(this.#serverId, name)
          : encode.addFile(this.#serverId, name, size),
      );
      await this.#sendLines(client, lines);
      await this.#completeList(client, changes.size);
      this.#counted = (await this.#askStatus(client))?.files ?? 0;
      this.#setState('registered', `${this.#library.files.size} files announced.`);
      return true;
    });
  }

  /** Asks our own index. False: it does not know us, has us for dead, or has lost files. */
  #probe(): Promise<boolean> {
    return this.#withClient(async (client) => {
      const status = await this.#askStatus(client);
      return status?.status === 'alive' && status.files === this.#counted;
    });
  }

  async #askStatus(client: LineClient): Promise<StatusAnswer | null> {
    client.write(extension.status(this.#serverId));
    const line = await client.next(ANSWER_MS);
    const answer = line === null ? null : parseIndexExtensionAnswer(line);
    return answer?.type === 'status-answer' ? answer : null;
  }

  /** Asks a foreign index for a file of ours, as a client would. False: it does not know it, or never names us. */
  async #probeForeign(): Promise<boolean> {
    const { files } = announceToForeign(this.#library.files.values(), this.#nonAsciiBreaks);
    const file = files[Math.floor(this.#context.random() * files.length)];
    if (!file) return this.#withClient(async () => true);
    const holder = await this.#whoHolds(file.wireName);
    const now = this.#context.clock.now();
    if (holder === this.#serverId) {
      this.#lastNamed = now;
      this.#refreshMs = FIRST_REFRESH_MS;
      return true;
    }
    if (holder === null) return false;
    if (now - this.#lastNamed < this.#refreshMs) return true;
    this.#refreshMs = Math.min(LAST_REFRESH_MS, this.#refreshMs * 2);
    return false;
  }

  /** The server id that the index names for a file; null when it knows none. */
  #whoHolds(wireName: string): Promise<string | null> {
    return this.#withClient(async (client) => {
      client.write(encode.hello());
      await client.next(WELCOME_WAIT_MS);
      client.write(encode.get(wireName));
      const line = await client.next(ANSWER_MS);
      const answer = parseIndexAnswer(line ?? '');
      if (answer.type === 'server') return answer.serverId;
      if (answer.type === 'error') return null;
      throw new Refused('It does not answer GET.');
    });
  }

  /** DRAIN to our own index; an empty registration to others, which at least those that replace lists understand. */
  async #sayFarewell(signal: AbortSignal): Promise<boolean> {
    const client = await this.#open(signal);
    try {
      if (this.#dialect === 'ours') {
        client.write(extension.drain(this.#serverId));
        const answer = await client.next(FAREWELL_MS);
        return parseIndexExtensionAnswer(answer ?? '')?.type === 'draining';
      }
      await this.#introduce(client);
      await this.#completeList(client, 0);
      return false;
    } finally {
      client.close();
    }
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────────

  async #withClient<T>(use: (client: LineClient) => Promise<T>): Promise<T> {
    const client = await this.#open(this.#stopped.signal);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }

  /** From the address that we listen on: it is the one that the index hands out. */
  async #open(signal: AbortSignal): Promise<LineClient> {
    const options = { timeoutMs: ANSWER_MS, signal };
    const { host } = this.#config;
    const implied = ['0.0.0.0', '::', 'localhost', '127.0.0.1', '::1'].includes(host);
    if (implied) return LineClient.connect(this.#context, this.#index, options);
    return LineClient.connect(this.#context, this.#index, { ...options, localHost: host });
  }

  /** Until `ms` have passed, or something is to be done. */
  #pause(ms: number): Promise<void> {
    const hasWork = this.#state === 'registered' && this.#changes.size > 0;
    if (hasWork || this.#stopped.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#context.clock.after(ms, () => this.#wake?.());
      this.#wake = () => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #sleep(ms: number): Promise<void> {
    return this.#context.clock.sleep(ms, this.#stopped.signal);
  }

  #lost(error: unknown): void {
    this.#known = false;
    if (error instanceof Refused) this.#setState('refused', error.message);
    else this.#setState('unreachable', unreachable(this.#index, error));
  }

  #setState(state: ContentSnapshot['index'], detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.onChange();
    if (state === 'registering' || state === this.#told) return;
    this.#told = state;
    const address = formatEndpoint(this.#index);
    if (state === 'registered') {
      const text = `${this.#serverId} is registered at the index ${address}. ${detail}`;
      this.#context.telemetry.event({ type: 'index-found', subject: this.#serverId, level: 'good', text });
    } else {
      const text =
        state === 'refused'
          ? `The index ${address} refused ${this.#serverId}: ${detail}`
          : `No index: ${detail}.`;
      this.#context.telemetry.event({ type: 'index-lost', subject: this.#serverId, level: 'warning', text });
    }
  }

  #setHeldBack(heldBack: ContentSnapshot['heldBack']): void {
    this.#heldBack = heldBack;
    if (heldBack.length > 0) this.#context.log.warn(`${heldBack.length} names are changed for this index.`);
  }
}
