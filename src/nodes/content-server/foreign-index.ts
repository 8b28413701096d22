import { encode, PACE_MS, parseIndexAnswer, WELCOME_WAIT_MS } from '../../protocol/micro-cdn';
import { codeOf } from '../shared/error-text';
import type { LineClient } from '../shared/line-client';
import { type AnnouncedFile, announceToForeign } from './announcement';
import type { IndexSpeech } from './index-speech';
import type { Library } from './library';
import type { ContentConfig, ContentSnapshot } from './manifest';
import { ANSWER_MS, Refused, type Registration } from './registration';

/** A look costs a lookup. */
const PROBE_MS = 5000;
/** An index that never names us may have us for dead; registering again does no harm. */
const FIRST_REFRESH_MS = 20_000;
const LAST_REFRESH_MS = 300_000;

/**
 * An index that somebody else wrote, in the words of the seed alone. Where it may adapt, it changes to one line
 * at a time for an index that loses lines which come together, and to ASCII for one that breaks on the rest.
 */
export class ForeignIndex implements IndexSpeech {
  readonly probeMs = PROBE_MS;
  readonly keepsDigests = false;
  readonly #registration: Registration;
  readonly #library: Library;
  readonly #adapts: boolean;
  #paced: boolean;
  #nonAsciiBreaks = false;
  #heldBack: ContentSnapshot['heldBack'] = [];
  #lastNamed = 0;
  #refreshMs = FIRST_REFRESH_MS;

  constructor(
    registration: Registration,
    library: Library,
    { indexDialect, strict }: Pick<ContentConfig, 'indexDialect' | 'strict'>,
  ) {
    this.#registration = registration;
    this.#library = library;
    this.#paced = indexDialect === 'paced';
    this.#adapts = indexDialect === 'auto' && !strict;
  }

  get heldBack(): ContentSnapshot['heldBack'] {
    return this.#heldBack;
  }

  async register(): Promise<void> {
    const files = this.#announced();
    try {
      await this.#registration.with((client) => this.#announce(client, files));
    } catch (error) {
      if (this.#adapts && files.length > 0) this.#adapt(files, error);
      throw error;
    }
    const last = files.at(-1);
    if (this.#adapts && !this.#paced && last && (await this.#whoHolds(last.wireName)) === null) {
      this.#paced = true;
      throw new Refused('It lost files that came in one segment; they are sent one by one now.');
    }
    this.#lastNamed = this.#registration.context.clock.now();
  }

  /** The whole list anew: that every index understands. */
  async update(): Promise<boolean> {
    return false;
  }

  /** Asks for a file of ours, as a client would. */
  async probe(suspicious: boolean): Promise<boolean> {
    if (suspicious) return false;
    const files = this.#announced();
    const { clock, random } = this.#registration.context;
    const file = files[Math.floor(random() * files.length)];
    if (!file) return this.#registration.with(async () => true);
    const holder = await this.#whoHolds(file.wireName);
    const now = clock.now();
    if (holder === this.#registration.serverId) {
      this.#lastNamed = now;
      this.#refreshMs = FIRST_REFRESH_MS;
      return true;
    }
    if (holder === null) return false;
    if (now - this.#lastNamed < this.#refreshMs) return true;
    this.#refreshMs = Math.min(LAST_REFRESH_MS, this.#refreshMs * 2);
    return false;
  }

  /** There is no word for it; an empty registration is understood by an index that replaces lists. */
  async leave(signal: AbortSignal): Promise<boolean> {
    await this.#registration.with(async (client) => {
      await this.#registration.introduce(client);
      await this.#registration.complete(client, 0);
    }, signal);
    return false;
  }

  close(): void {}

  #announced(): AnnouncedFile[] {
    const { files, heldBack } = announceToForeign(this.#library.files.values(), this.#nonAsciiBreaks);
    this.#heldBack = heldBack;
    return files;
  }

  async #announce(client: LineClient, files: AnnouncedFile[]): Promise<void> {
    const { serverId } = this.#registration;
    const lines = files.map(({ wireName, size }) => encode.addFile(serverId, wireName, size));
    await this.#registration.introduce(client);
    if (this.#paced) await this.#sendPaced(client, lines);
    else await this.#registration.announce(client, lines);
    await this.#registration.complete(client, files.length);
  }

  async #sendPaced(client: LineClient, lines: string[]): Promise<void> {
    for (const line of lines) {
      await this.#registration.sleep(PACE_MS);
      await client.send(line);
    }
    await this.#registration.sleep(PACE_MS);
  }

  /** An index that falls silent in the middle of a list loses lines, or has stumbled over a name. */
  #adapt(files: AnnouncedFile[], error: unknown): void {
    const unanswered = error instanceof Refused || ['ECLOSED', 'ECONNRESET'].includes(codeOf(error) ?? '');
    if (!unanswered) return;
    const hasNonAscii = files.some(({ wireName }) => /[^ -~]/.test(wireName));
    if (hasNonAscii && !this.#nonAsciiBreaks) this.#nonAsciiBreaks = true;
    else this.#paced = true;
  }

  /** The server id that the index names for a file; null when it knows none. */
  #whoHolds(wireName: string): Promise<string | null> {
    return this.#registration.with(async (client) => {
      client.write(encode.hello());
      await client.next(WELCOME_WAIT_MS);
      client.write(encode.get(wireName));
      // What else comes is no answer to GET, such as a late WELCOME.
      const holder = await client.find(ANSWER_MS, (line) => {
        const answer = parseIndexAnswer(line);
        if (answer.type === 'error') return { serverId: null };
        return answer.type === 'server' ? answer : undefined;
      });
      if (holder === null) throw new Refused('It does not answer GET.');
      return holder.serverId;
    });
  }
}
