import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { ResponseHead } from '../../protocol/http/response-head';
import { type HttpUri, pathOfFile } from '../../protocol/http/target';
import type { CreateNode, NodeContext, NodeProgram, OperationScope } from '../../runtime/context';
import { type Steered, Steering } from '../engine/steering';
import { defaultUpstreamOptions, Upstream } from '../shared/http/upstream';
import { HttpDownload } from './download';
import { FetchLog, type FetchRecord } from './fetch-log';
import type {
  DownloadProgress,
  DownloadResult,
  HttpClientConfig,
  HttpClientOperations,
  HttpClientSnapshot,
} from './manifest';
import { fileNameFor, readReference } from './reference';
import { downloadFromSeveral } from './several';

const RECEIVE_BUFFER = 1024 * 1024;

export const createNode: CreateNode<HttpClientConfig> = (config, context) => new HttpClient(config, context);

/** Downloads over HTTP. */
class HttpClient implements NodeProgram {
  readonly #config: HttpClientConfig;
  readonly #context: NodeContext;
  readonly #changed: () => void;
  readonly #fetches: FetchLog;
  readonly #steering = new Steering();
  readonly #running = new Set<Promise<unknown>>();
  /** Files that are being written. */
  readonly #places = new Set<string>();
  #upstream: Upstream | undefined;
  #done = 0;
  #failed = 0;

  readonly operations = {
    download: (
      input: HttpClientOperations['download']['input'],
      scope: OperationScope,
    ): Promise<DownloadResult> => this.#track(input, scope),
    control: ({ name, priority }: HttpClientOperations['control']['input']): void =>
      this.#steering.prioritise(name, priority),
  };

  constructor(config: HttpClientConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    this.#changed = context.telemetry.publish(() => ({ ...this.#snapshot() })).changed;
    this.#fetches = new FetchLog(this.#changed);
  }

  async start(): Promise<Record<string, number>> {
    this.#upstream = new Upstream(this.#context, {
      ...defaultUpstreamOptions,
      replyMs: this.#config.timeoutMs,
      receiveBufferSize: RECEIVE_BUFFER,
    });
    return {};
  }

  async drain(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    this.#upstream?.stop();
  }

  async #download(
    input: HttpClientOperations['download']['input'],
    scope: OperationScope,
    fetch: FetchRecord,
    steered: Steered,
  ): Promise<DownloadResult> {
    const { server, out } = this.#config;
    const base: HttpUri | null = server ? { authority: `${server.host}:${server.port}`, path: '/' } : null;
    const uri = readReference(input.name, null) ?? (base && onServer(input.name, base));
    if (!uri) {
      throw new StudioError(
        'BAD_URL',
        `"${input.name}" is not HOST:PORT/PATH.`,
        'For example: localhost:8000/index.html',
      );
    }
    const folder = await this.#context.files.folder(input.folder ?? out);
    const name = fileNameFor(uri);
    const place = `${folder.path}/${name}`;
    if (this.#places.has(place)) {
      throw new StudioError(
        'BUSY',
        `${name} is being downloaded there already.`,
        'Wait for it, or choose another folder.',
      );
    }
    this.#places.add(place);
    const encoded = { ...uri, path: encodePath(uri.path) };
    const parts = {
      context: this.#context,
      upstream: this.#upstream as Upstream,
      config: this.#config,
      folder,
      scope,
      steered,
      sources: input.sources,
    };
    const [proxy] = this.#config.proxy;
    const tell = (head: ResponseHead, from: HttpUri): void =>
      fetch.replied(head, from, proxy ? formatEndpoint(proxy) : from.authority);
    const download = new HttpDownload(parts, encoded, fileNameFor(uri), tell);
    try {
      return (await downloadFromSeveral(parts, encoded, tell)) ?? (await download.run());
    } finally {
      this.#places.delete(place);
    }
  }

  async #track(
    input: HttpClientOperations['download']['input'],
    scope: OperationScope,
  ): Promise<DownloadResult> {
    const fetch = this.#fetches.begin(input.name, this.#context.clock.wallTime());
    const watched: OperationScope = {
      signal: scope.signal,
      progress: (value) => {
        fetch.progress(value as unknown as DownloadProgress);
        scope.progress(value);
      },
    };
    const steered = this.#steering.begin(input.name, input.priority);
    const download = this.#download(input, watched, fetch, steered);
    this.#running.add(download);
    this.#changed();
    try {
      const result = await download;
      this.#done++;
      fetch.done(result);
      return result;
    } catch (error) {
      this.#failed++;
      fetch.failed(scope.signal.aborted ? 'It was cancelled.' : (error as Error).message);
      throw error;
    } finally {
      steered.end();
      this.#running.delete(download);
      this.#changed();
    }
  }

  #snapshot(): HttpClientSnapshot {
    return {
      active: this.#running.size,
      done: this.#done,
      failed: this.#failed,
      recent: this.#fetches.views(),
    };
  }
}

/** A path on the linked server, or the name of one of its files. */
function onServer(name: string, base: HttpUri): HttpUri {
  return { ...base, path: name.startsWith('/') ? name : pathOfFile(name) };
}

/** A name as a person writes it, made fit for a request line; what is encoded already stays. */
function encodePath(path: string): string {
  return path.replace(/[^!-~]+/g, encodeURIComponent);
}
