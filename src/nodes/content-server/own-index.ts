import { encode } from '../../protocol/micro-cdn';
import {
  contentFeatures,
  extension,
  parseIndexExtensionAnswer,
  type StatusAnswer,
  shareOf,
} from '../../protocol/micro-cdn-extensions';
import type { LineClient } from '../shared/line-client';
import type { DigestKeeper } from './digest-keeper';
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
  readonly #digests: DigestKeeper;
  readonly #onClose: () => void;
  #client: LineClient | undefined;
  /** Files that the index has counted for us. */
  #counted = 0;
  /** What a registration left the index with instead of our list; when the next does the same, so be it. */
  #difference = '';
  #toleratedDifference = '';
  /** What the last look has found; what is found twice is no change that is still on its way. */
  #suspected = '';
  /** The sum over our files, when the index was asked for its own. */
  #askedSum = 0;
  #summed: { files: Library['files'] | null; version: number; sum: number } = {
    files: null,
    version: 0,
    sum: 0,
  };

  /** @param onClose the index has closed the connection */
  constructor(registration: Registration, library: Library, digests: DigestKeeper, onClose: () => void) {
    this.#registration = registration;
    this.#library = library;
    this.#digests = digests;
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
      const status = await this.#askStatus(client);
      this.#counted = status?.files ?? 0;
      const difference = this.#differenceTo(status);
      if (difference === this.#difference) this.#toleratedDifference = difference;
      this.#difference = difference;
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

  /** False when the index does not know us, has us for dead, has lost files, or knows something else of them. */
  probe(): Promise<boolean> {
    return this.#converse(async (client) => {
      const status = await this.#askStatus(client);
      if (status?.status !== 'alive' || status.files !== this.#counted) return false;
      const difference = this.#differenceTo(status);
      const twice = difference === this.#suspected;
      this.#suspected = difference;
      return difference === '' || difference === this.#toleratedDifference || !twice;
    });
  }

  /** Names what the index has instead of our list; empty when it is the same, or the index does not say. */
  #differenceTo(status: StatusAnswer | null): string {
    if (status?.sum === undefined) return '';
    return this.#askedSum === status.sum ? '' : `${this.#askedSum} ${status.sum}`;
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
    if (this.keepsDigests) this.#askedSum = this.#sum();
    client.write(extension.status(this.#registration.serverId, this.keepsDigests));
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

  /** Over our files; made anew only after a change. */
  #sum(): number {
    const { files } = this.#library;
    const { version } = this.#digests;
    if (this.#summed.files === files && this.#summed.version === version) return this.#summed.sum;
    let sum = 0;
    for (const { name, size } of files.values()) sum += shareOf(name, size, this.#digests.sha256Of(name));
    this.#summed = { files, version, sum: sum % 2 ** 32 };
    return this.#summed.sum;
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
    const sha256 = this.keepsDigests ? this.#digests.sha256Of(name) : undefined;
    if (sha256 !== undefined) yield extension.fileDigest(this.#registration.serverId, name, sha256);
  }
}
