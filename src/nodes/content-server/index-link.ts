import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { WELCOME_WAIT_MS } from '../../protocol/micro-cdn';
import { extension, type Feature, judgeWelcome } from '../../protocol/micro-cdn-extensions';
import type { NodeContext, Timer } from '../../runtime/context';
import { unreachable } from '../shared/error-text';
import type { DigestKeeper } from './digest-keeper';
import { ForeignIndex } from './foreign-index';
import type { IndexSpeech } from './index-speech';
import type { Library, LibraryChange } from './library';
import type { ContentConfig, ContentSnapshot } from './manifest';
import { OwnIndex } from './own-index';
import { Refused, Registration } from './registration';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2000;
const WANTED: readonly Feature[] = ['delta', 'digests'];
/** An answer that is neither ours nor the seed's may have been damaged: it is asked for again at once. */
const QUESTIONS = 2;
/** An index that did not seem to be ours is asked again, since its answer may have been lost: ever more rarely. */
const FIRST_QUESTION_MS = 30_000;
const LAST_QUESTION_MS = 600_000;
/** Our last word to the index must not delay the end. */
const FAREWELL_MS = 250;

/**
 * Keeps the index informed: registers, announces files and their changes, looks now and then whether the index
 * still knows this server, and registers again when it was restarted or has declared this server dead. In which
 * words, `OwnIndex` and `ForeignIndex` know; which of them it is, the index is asked first.
 */
export class IndexLink {
  readonly #index: Endpoint;
  readonly #config: ContentConfig;
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #stopped = new AbortController();
  readonly #registration: Registration;
  readonly #foreign: ForeignIndex;
  readonly #own: OwnIndex;
  #speech: IndexSpeech;
  /** The index was asked what it speaks, and has not failed since. */
  #acquainted = false;
  /** When it is worth asking again, by the steady clock. */
  #nextQuestion = 0;
  #questionMs = FIRST_QUESTION_MS;
  #state: ContentSnapshot['index'] = 'registering';
  #detail = 'It has not answered yet.';
  /** The state that the journal was told last. */
  #told: ContentSnapshot['index'] | undefined;
  /** Changes that the index has not been told. */
  #changes = new Map<string, number | null>();
  /** Files whose digest the index has not been told. */
  #hashed = new Set<string>();
  #suspicious = false;
  #wake: (() => void) | undefined;
  /** When a lost connection was acted on last, and when the newest will be. */
  #lineLostAt = Number.NEGATIVE_INFINITY;
  #lineTimer: Timer | undefined;
  onChange: () => void = () => {};

  constructor(
    index: Endpoint,
    config: ContentConfig,
    context: NodeContext,
    library: Library,
    digests: DigestKeeper,
    ports: { tcp: number; udp: number },
  ) {
    this.#index = index;
    this.#config = config;
    this.#context = context;
    this.#library = library;
    this.#registration = new Registration(index, config, context, ports, this.#stopped.signal);
    this.#registration.onIntroduced = () => {
      if (this.#state !== 'registered') this.#setState('registering', 'Files are being announced.');
    };
    this.#foreign = new ForeignIndex(this.#registration, library, config);
    this.#own = new OwnIndex(this.#registration, library, digests, () => this.#lineLost());
    this.#speech = this.#foreign;
  }

  get state(): ContentSnapshot['index'] {
    return this.#state;
  }

  get detail(): string {
    return this.#detail;
  }

  get heldBack(): ContentSnapshot['heldBack'] {
    return this.#speech.heldBack;
  }

  /** The address of this machine that the index sees. */
  get localHost(): string | undefined {
    return this.#registration.localHost;
  }

  start(): void {
    void this.#run();
  }

  filesChanged({ added, changed, removed }: LibraryChange): void {
    for (const { name, size } of [...added, ...changed]) this.#changes.set(name, size);
    for (const name of removed) this.#changes.set(name, null);
    this.#wake?.();
  }

  digestsKnown(names: readonly string[]): void {
    if (!this.#speech.keepsDigests) return;
    for (const name of names) this.#hashed.add(name);
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
    const understood = await Promise.race([
      this.#speech.leave(timeUp.signal).catch(() => false),
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
    this.#lineTimer?.cancel();
    this.#wake?.();
    this.#speech.close();
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

  async #register(): Promise<void> {
    if (!this.#acquainted) await this.#meet();
    this.#changes = new Map();
    this.#hashed = new Set();
    this.#suspicious = false;
    await this.#speech.register();
    this.#acquainted = true;
    this.#setRegistered();
    const held = this.#speech.heldBack.length;
    if (held > 0) this.#context.log.warn(`${held} names are changed for this index; the node shows which.`);
  }

  async #meet(): Promise<void> {
    this.#speech = (await this.#isOurs()) ? this.#own : this.#foreign;
    this.#questionMs = FIRST_QUESTION_MS;
    this.#nextQuestion = this.#context.clock.now() + FIRST_QUESTION_MS;
  }

  /** Asks the index whether it is one of ours. A foreign one sees a HELLO, and may answer ERROR. */
  async #isOurs(): Promise<boolean> {
    if (!this.#adapts) return false;
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const line = await this.#registration.with(async (client) => {
        client.write(extension.hello(WANTED));
        return client.next(WELCOME_WAIT_MS).catch(() => null);
      });
      const { from, features } = judgeWelcome(line ?? '', WANTED);
      if (from === 'ours' && features.includes('delta')) {
        this.#own.keepsDigests = features.includes('digests');
        return true;
      }
      if (from !== 'unclear' || line === null) return false;
    }
    return false;
  }

  get #adapts(): boolean {
    return this.#config.indexDialect === 'auto' && !this.#config.strict;
  }

  /** Whether an index that was taken for a foreign one turns out to be ours. */
  async #wasMistaken(): Promise<boolean> {
    const due = this.#adapts && this.#speech === this.#foreign;
    const now = this.#context.clock.now();
    if (!due || now < this.#nextQuestion) return false;
    this.#questionMs = Math.min(LAST_QUESTION_MS, 2 * this.#questionMs);
    this.#nextQuestion = now + this.#questionMs;
    if (!(await this.#isOurs())) return false;
    this.#speech = this.#own;
    return true;
  }

  /** Resolves when it is time to register again. */
  async #stayRegistered(): Promise<void> {
    for (;;) {
      await this.#pause(this.#speech.probeMs);
      this.#stopped.signal.throwIfAborted();
      if (await this.#wasMistaken()) return;
      const fine = this.#hasNews ? await this.#update() : await this.#probe();
      if (!fine) return;
    }
  }

  async #update(): Promise<boolean> {
    const [changes, hashed] = [this.#changes, this.#hashed];
    this.#changes = new Map();
    this.#hashed = new Set();
    const updated = await this.#speech.update(changes, hashed);
    if (updated) this.#setRegistered();
    return updated;
  }

  get #hasNews(): boolean {
    return this.#changes.size > 0 || this.#hashed.size > 0;
  }

  #probe(): Promise<boolean> {
    const suspicious = this.#suspicious;
    this.#suspicious = false;
    return this.#speech.probe(suspicious);
  }

  /** Until `ms` have passed, or something is to be done. */
  #pause(ms: number): Promise<void> {
    const hasWork = this.#state === 'registered' && this.#hasNews;
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

  /**
   * The open connection ended: look at once, but not again and again without a pause at an index (or a network)
   * that resets each new one.
   */
  #lineLost(): void {
    const now = this.#context.clock.now();
    const wait = this.#lineLostAt + FIRST_RETRY_MS - now;
    this.#lineTimer?.cancel();
    if (wait <= 0) {
      this.#lineLostAt = now;
      this.#wake?.();
      return;
    }
    this.#lineTimer = this.#context.clock.after(wait, () => {
      this.#lineLostAt = this.#context.clock.now();
      this.#wake?.();
    });
  }

  #lost(error: unknown): void {
    this.#acquainted = false;
    if (error instanceof Refused) this.#setState('refused', error.message);
    else this.#setState('unreachable', unreachable(this.#index, error));
  }

  #setRegistered(): void {
    const files = this.#library.files.size;
    this.#setState('registered', `${files} ${files === 1 ? 'file' : 'files'} announced.`);
  }

  #setState(state: ContentSnapshot['index'], detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.onChange();
    if (state === 'registering' || state === this.#told) return;
    this.#told = state;
    const { serverId } = this.#config;
    const address = formatEndpoint(this.#index);
    const { telemetry } = this.#context;
    if (state === 'registered') {
      const text = `${serverId} is registered at the index ${address}. ${detail}`;
      telemetry.event({ type: 'index-found', subject: serverId, level: 'good', text });
    } else {
      const refused = `The index ${address} refused ${serverId}: ${detail}`;
      const text = state === 'refused' ? refused : `No index: ${detail}.`;
      telemetry.event({ type: 'index-lost', subject: serverId, level: 'warning', text });
    }
  }
}
