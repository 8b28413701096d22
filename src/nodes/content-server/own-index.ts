import { encode } from '../../protocol/micro-cdn';
import {
  contentFeatures,
  extension,
  parseIndexExtensionAnswer,
  type StatusAnswer,
} from '../../protocol/micro-cdn-extensions';
import type { LineClient } from '../shared/line-client';
import type { IndexSpeech } from './index-speech';
import type { Library } from './library';
import type { ContentSnapshot } from './manifest';
import { ANSWER_MS, Refused, type Registration } from './registration';

/** Well within the time after which an index closes a silent connection. */
const PROBE_MS = 3000;

/**
 * Our own index: one connection stays open, so that its end is noticed at once; changes are told as such; and
 * the index says itself what it thinks of this server.
 */
export class OwnIndex implements IndexSpeech {
  readonly probeMs = PROBE_MS;
  readonly heldBack: ContentSnapshot['heldBack'] = [];
  /** An index of an earlier version does not. */
  keepsDigests = false;
  readonly #registration: Registration;
  readonly #library: Library;
  readonly #sha256Of: (name: string) => string | undefined;
  readonly #onClose: () => void;
  #client: LineClient | undefined;
  /** Files that the index has counted for us. */
  #counted = 0;

  /**
   * @param sha256Of what a file hashes to, if that is known
   * @param onClose the index has closed the connection
   */
  constructor(
    registration: Registration,
    library: Library,
    sha256Of: (name: string) => string | undefined,
    onClose: () => void,
  ) {
    this.#registration = registration;
    this.#library = library;
    this.#sha256Of = sha256Of;
    this.#onClose = onClose;
  }

  async register(): Promise<void> {
    const { files } = this.#library;
    const { serverId } = this.#registration;
    await this.#converse(async (client) => {
      await this.#registration.introduce(client);
      client.write(extension.features(serverId, contentFeatures));
      await this.#registration.announce(client, this.#addLines(files.values()));
      await this.#registration.complete(client, files.size);
      this.#counted = (await this.#askStatus(client))?.files ?? 0;
    });
  }

  update(changes: ReadonlyMap<string, number | null>, hashed: ReadonlySet<string>): Promise<boolean> {
    const { serverId } = this.#registration;
    return this.#converse(async (client) => {
      client.write(extension.update(serverId));
      const answer = await client.next(ANSWER_MS);
      if (answer === null) throw new Refused('It does not answer UPDATE.');
      if (parseIndexExtensionAnswer(answer)?.type !== 'updating') {
        this.close();
        return false;
      }
      await this.#registration.announce(client, this.#changeLines(changes, hashed));
      await this.#registration.complete(client, changes.size + hashed.size);
      this.#counted = (await this.#askStatus(client))?.files ?? 0;
      return true;
    });
  }

  /** False when the index does not know us, has us for dead, or has lost files. */
  probe(): Promise<boolean> {
    return this.#converse(async (client) => {
      const status = await this.#askStatus(client);
      return status?.status === 'alive' && status.files === this.#counted;
    });
  }

  async leave(signal: AbortSignal): Promise<boolean> {
    this.close();
    return this.#registration.with(async (client) => {
      client.write(extension.drain(this.#registration.serverId));
      const answer = await client.next(ANSWER_MS);
      return parseIndexExtensionAnswer(answer ?? '')?.type === 'draining';
    }, signal);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #askStatus(client: LineClient): Promise<StatusAnswer | null> {
    client.write(extension.status(this.#registration.serverId));
    const line = await client.next(ANSWER_MS);
    const answer = line === null ? null : parseIndexExtensionAnswer(line);
    return answer?.type === 'status-answer' ? answer : null;
  }

  /** On the open connection; on a new one where the index has closed it, as it may. */
  async #converse<T>(use: (client: LineClient) => Promise<T>): Promise<T> {
    if (this.#client?.over) this.close();
    if (!this.#client) {
      this.#client = await this.#registration.open();
      this.#client.onClose = this.#onClose;
    }
    try {
      return await use(this.#client);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  *#addLines(files: Iterable<{ name: string; size: number }>): Generator<string> {
    for (const { name, size } of files) {
      yield encode.addFile(this.#registration.serverId, name, size);
      yield* this.#digestLine(name);
    }
  }

  *#changeLines(changes: ReadonlyMap<string, number | null>, hashed: ReadonlySet<string>): Generator<string> {
    for (const [name, size] of changes) {
      if (size === null) yield extension.removeFile(this.#registration.serverId, name);
      else yield* this.#addLines([{ name, size }]);
    }
    for (const name of hashed) if (!changes.has(name)) yield* this.#digestLine(name);
  }

  *#digestLine(name: string): Generator<string> {
    const sha256 = this.keepsDigests ? this.#sha256Of(name) : undefined;
    if (sha256 !== undefined) yield extension.fileDigest(this.#registration.serverId, name, sha256);
  }
}
