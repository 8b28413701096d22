import { createHash, type Hash } from 'node:crypto';
import { StudioError } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';
import type {
  BoundPorts,
  CreateNode,
  Folder,
  NodeContext,
  NodeProgram,
  OperationScope,
  WritableFile,
} from '../../runtime/context';
import { Cancellation } from '../shared/cancellation';
import { giveFreeName } from '../shared/free-name';
import { LogFile } from '../shared/log-file';
import { fetchPage, type PageTarget } from './fetch-page';
import type { FetchProgress, FetchResult, ReplicaClientConfig, ReplicaClientSnapshot } from './manifest';
import { ReplicaKinds } from './replica-kinds';

/** Bytes gathered before they are written to the file. */
const WRITE_SIZE = 256 * 1024;

export const createNode: CreateNode<ReplicaClientConfig> = (config, context) =>
  new ReplicaClient(config, context);

class ReplicaClient implements NodeProgram {
  readonly #logFile: LogFile;
  readonly #published: { changed(): void };
  readonly #state: ReplicaClientSnapshot = { active: 0, done: 0, failed: 0 };
  readonly #kinds: ReplicaKinds;
  readonly #stopping = new AbortController();
  readonly #cancellation = new Cancellation();
  readonly #running = new Set<Promise<unknown>>();

  readonly operations = {
    fetch: (input: { folder?: string; name?: string } | undefined, scope: OperationScope) => {
      const running = this.#fetch(input ?? {}, scope);
      this.#running.add(running);
      return running.finally(() => this.#running.delete(running));
    },
    cancel: () => this.#cancellation.cancel(),
  };

  constructor(
    readonly config: ReplicaClientConfig,
    readonly context: NodeContext,
  ) {
    const { files, clock, log, telemetry } = context;
    this.#logFile = new LogFile(config.logFile, files, clock, log);
    this.#kinds = new ReplicaKinds(context);
    this.#published = telemetry.publish(() => ({ ...this.#state }));
  }

  async start(): Promise<BoundPorts> {
    return {};
  }

  async drain(): Promise<void> {
    this.#state.drainingSince = this.context.clock.wallTime();
    this.#published.changed();
    await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
    await this.#kinds.close();
    await this.#logFile.close();
  }

  async #fetch(input: { folder?: string; name?: string }, scope: OperationScope): Promise<FetchResult> {
    const { balancer, out } = this.config;
    if (!balancer) {
      throw new StudioError('NO_BALANCER', 'This client has no balancer.', 'Link it to a replica balancer.');
    }
    const name = input.name ?? 'page.html';
    const problem = fileNameProblem(name);
    if (problem) throw new StudioError('BAD_NAME', `The page cannot be saved as "${name}": ${problem}.`);
    const folder = await this.context.files.folder(input.folder || out);
    const target = new FileTarget(
      folder,
      `.${Math.floor(this.context.random() * 2 ** 48).toString(36)}.part`,
    );
    const began = this.context.clock.now();
    let state: FetchProgress = { phase: 'waiting', noReplica: false, bytes: 0, bulk: false, marks: [] };
    this.#count({ active: 1 });
    try {
      const verified = await fetchPage(this.context, {
        balancer,
        config: this.config,
        target,
        kinds: this.#kinds,
        signal: AbortSignal.any([scope.signal, this.#stopping.signal, this.#cancellation.signal]),
        progress: (progress) => {
          state = progress;
          scope.progress({ ...progress, marks: [...progress.marks] });
        },
      });
      const result: FetchResult = {
        ...state,
        path: `${folder.path}/${await target.finish(name)}`,
        sha256: Buffer.from(target.sha256()).toString('hex'),
        verified,
        milliseconds: Math.round(this.context.clock.now() - began),
      };
      this.#count({ active: -1, done: 1 }, result);
      this.#logFile.line(`page of ${result.bytes} bytes from ${result.replica} (${verified})`);
      return result;
    } catch (error) {
      await target.discard();
      this.#count({ active: -1, failed: 1 });
      this.#logFile.line(`failed: ${(error as Error).message}`);
      throw error;
    }
  }

  #count(by: { active: number; done?: number; failed?: number }, last?: FetchResult): void {
    this.#state.active += by.active;
    this.#state.done += by.done ?? 0;
    this.#state.failed += by.failed ?? 0;
    if (last) this.#state.last = last;
    this.#published.changed();
  }
}

/** A page on its way into a file that takes its name only when it is whole. */
class FileTarget implements PageTarget {
  #file: WritableFile | undefined;
  #hash: Hash = createHash('sha256');
  #digest: Uint8Array | undefined;
  #gathered = Buffer.allocUnsafe(WRITE_SIZE);
  #filled = 0;
  #position = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(
    readonly folder: Folder,
    readonly temporary: string,
  ) {}

  async begin(): Promise<void> {
    await this.#written.catch(() => {});
    this.#file ??= await this.folder.create(this.temporary);
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#digest = undefined;
    this.#filled = this.#position = 0;
    this.#written = Promise.resolve();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, WRITE_SIZE - this.#filled);
      this.#gathered.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === WRITE_SIZE) this.#flush();
    }
    return bytes.length >= WRITE_SIZE / 4 ? this.#written : undefined;
  }

  sha256(): Uint8Array {
    this.#digest ??= this.#hash.digest();
    return this.#digest;
  }

  /** @returns the name that the file got: another one when `name` is taken */
  async finish(name: string): Promise<string> {
    this.#flush();
    await this.#written;
    await this.#file?.close();
    this.#file = undefined;
    return giveFreeName(this.folder, this.temporary, name);
  }

  async discard(): Promise<void> {
    if (!this.#file) return;
    await this.#written.catch(() => {});
    await this.#file.close();
    this.#file = undefined;
    await this.folder.remove(this.temporary).catch(() => {});
  }

  #flush(): void {
    const bytes = this.#gathered.subarray(0, this.#filled);
    const position = this.#position;
    this.#position += this.#filled;
    this.#filled = 0;
    this.#gathered = Buffer.allocUnsafe(WRITE_SIZE);
    this.#written = this.#written.then(() => this.#file?.write(bytes, position));
    this.#written.catch(() => {});
  }
}
