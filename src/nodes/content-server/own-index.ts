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
  readonly #registration: Registration;
  readonly #library: Library;
  readonly #onClose: () => void;
  #client: LineClient | undefined;
  /** Files that the index has counted for us. */
  #counted = 0;

  /** @param onClose the index has closed the connection */
  constructor(registration: Registration, library: Library, onClose: () => void) {
    this.#registration = registration;
    this.#library = library;
    this.#onClose = onClose;
  }

  async register(): Promise<void> {
    const { files } = this.#library;
    const { serverId } = this.#registration;
    await this.#converse(async (client) => {
      await this.#registration.introduce(client);
      client.write(extension.features(serverId, contentFeatures));
      await this.#registration.announce(client, addLines(serverId, files.values()));
      await this.#registration.complete(client, files.size);
      this.#counted = (await this.#askStatus(client))?.files ?? 0;
    });
  }

  update(changes: ReadonlyMap<string, number | null>): Promise<boolean> {
    const { serverId } = this.#registration;
    return this.#converse(async (client) => {
      client.write(extension.update(serverId));
      const answer = await client.next(ANSWER_MS);
      if (answer === null) throw new Refused('It does not answer UPDATE.');
      if (parseIndexExtensionAnswer(answer)?.type !== 'updating') {
        this.close();
        return false;
      }
      await this.#registration.announce(client, changeLines(serverId, changes));
      await this.#registration.complete(client, changes.size);
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
}

function* addLines(serverId: string, files: Iterable<{ name: string; size: number }>): Generator<string> {
  for (const { name, size } of files) yield encode.addFile(serverId, name, size);
}

function* changeLines(serverId: string, changes: ReadonlyMap<string, number | null>): Generator<string> {
  for (const [name, size] of changes) {
    yield size === null ? extension.removeFile(serverId, name) : encode.addFile(serverId, name, size);
  }
}
