import { StudioError } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';
import type { BoundPorts, CreateNode, NodeContext, NodeProgram, WritableFile } from '../../runtime/context';
import { Cancellation } from '../shared/cancellation';
import { codeOf } from '../shared/error-text';
import { giveFreeName } from '../shared/free-name';
import { RingExchange } from './exchange';
import type { RingClientConfig, RingClientOperations, RingClientSnapshot } from './manifest';

type Input<Name extends keyof RingClientOperations> = RingClientOperations[Name]['input'];
type Output<Name extends keyof RingClientOperations> = Promise<RingClientOperations[Name]['output']>;

export const createNode: CreateNode<RingClientConfig> = (config, context) => new RingClient(config, context);

class RingClient implements NodeProgram {
  readonly #state: RingClientSnapshot = { active: 0, gets: 0, puts: 0, failed: 0 };
  readonly #published: { changed(): void };
  readonly #cancellation = new Cancellation();
  readonly #running = new Set<Promise<unknown>>();

  readonly operations = {
    get: (input: Input<'get'>) => this.#counted('gets', () => this.#get(input)),
    put: (input: Input<'put'>) => this.#counted('puts', () => this.#put(input)),
    cancel: () => this.#cancellation.cancel(),
  };

  constructor(
    readonly config: RingClientConfig,
    readonly context: NodeContext,
  ) {
    this.#published = context.telemetry.publish(() => ({ ...this.#state }));
  }

  async start(): Promise<BoundPorts> {
    return {};
  }

  async drain(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    this.#cancellation.cancel();
    await Promise.allSettled(this.#running);
  }

  async #get({ name, folder: path }: Input<'get'>): Output<'get'> {
    const exchange = this.#exchange();
    const folder = await this.context.files.folder(path || this.config.out);
    const problem = fileNameProblem(name);
    const wanted = problem ? 'item' : name;
    const temporary = `.${Math.floor(this.context.random() * 2 ** 48).toString(36)}.part`;
    const file = await folder.create(temporary);
    try {
      const sha256 = await exchange.get(name, sinkInto(file));
      await file.close();
      const { size } = file;
      const saved = await giveFreeName(folder, temporary, wanted);
      return { path: `${folder.path}/${saved}`, size, sha256 };
    } catch (error) {
      await file.close();
      await folder.remove(temporary).catch(() => {});
      throw error;
    }
  }

  async #put({ name, folder: path, item = name.split('/').at(-1) ?? name }: Input<'put'>): Output<'put'> {
    const exchange = this.#exchange();
    const folder = await this.context.files.folder(path || this.config.out);
    const file = await folder.open(name).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      throw new StudioError(
        'ENOENT',
        `There is no file ${name} in ${folder.path}.`,
        'Look at its name and folder.',
      );
    });
    try {
      return { item, size: file.size, status: await exchange.put(item, file) };
    } finally {
      await file.close();
    }
  }

  #exchange(): RingExchange {
    const { member, timeoutMs, strict } = this.config;
    if (!member)
      throw new StudioError('NO_MEMBER', 'This client has no ring.', 'Link it to a member of a ring.');
    return new RingExchange(this.context, { member, timeoutMs, strict, signal: this.#cancellation.signal });
  }

  async #counted<Value>(what: 'gets' | 'puts', run: () => Promise<Value>): Promise<Value> {
    const running = run();
    this.#running.add(running);
    this.#state.active++;
    this.#published.changed();
    try {
      const value = await running;
      this.#state[what]++;
      return value;
    } catch (error) {
      this.#state.failed++;
      throw error;
    } finally {
      this.#running.delete(running);
      this.#state.active--;
      this.#published.changed();
    }
  }
}

function sinkInto(file: WritableFile): { begin(): Promise<void>; write(bytes: Uint8Array): Promise<void> } {
  let at = 0;
  return {
    async begin() {
      at = 0;
      await file.truncate(0);
    },
    async write(bytes) {
      await file.write(bytes, at);
      at += bytes.length;
    },
  };
}
