import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import {
  decodeProbe,
  encodeProbeReply,
  encodeWatchReply,
  type Header,
  HeaderReader,
  type ReplicaStatus,
  WATCH,
} from '../../protocol/replica';
import type {
  BoundPorts,
  Connection,
  CreateNode,
  DatagramSocket,
  Listener,
  NodeContext,
  NodeProgram,
} from '../../runtime/context';
import { httpGet } from '../shared/http-get';
import { LogFile } from '../shared/log-file';
import type { ReplicaConfig, ReplicaSnapshot } from './manifest';
import type { Page } from './page';
import { FolderSource, type PageSource, sourceAt } from './page-source';
import { Transfer } from './transfer';
import { UrlSource } from './url-source';

const MAX_LISTED_CLIENTS = 50;

export const createNode: CreateNode<ReplicaConfig> = (config, context) => new ReplicaServer(config, context);

class ReplicaServer implements NodeProgram {
  readonly #transfers = new Set<Transfer>();
  readonly #watchers = new Set<Connection>();
  readonly #connections = new Set<Connection>();
  readonly #logFile: LogFile;
  readonly #published: { changed(): void };
  #listener: Listener | undefined;
  #probes: DatagramSocket | undefined;
  #source: PageSource | undefined;
  #page: { is: Page; since: number } | undefined;
  #pageError: string | undefined;
  #served = 0;
  #drainingSince: number | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(
    readonly config: ReplicaConfig,
    readonly context: NodeContext,
  ) {
    const { files, clock, log, telemetry } = context;
    this.#logFile = new LogFile(config.logFile, files, clock, log);
    this.#published = telemetry.publish(() => ({ ...this.#snapshot() }));
  }

  async start(): Promise<BoundPorts> {
    const { host, port, strict } = this.config;
    this.#source = await this.#openSource();
    this.#listener = await this.context.net.listen({ host, port }, (connection) => this.#accept(connection));
    const bound = this.#listener.local.port;
    if (!strict) await this.#answerProbes(bound);
    this.#note(`replica at ${host}:${bound} serves ${this.#source.name}`);
    return { tcp: bound };
  }

  async drain(): Promise<void> {
    this.#drainingSince = this.context.clock.wallTime();
    await this.#listener?.close();
    for (const watcher of this.#watchers) watcher.write(encodeWatchReply(0, true));
    this.#note(`draining: ${this.#transfers.size} clients are still served`);
    this.#published.changed();
    if (this.#transfers.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#source?.close?.();
    await this.#listener?.close();
    await this.#probes?.close();
    for (const connection of this.#connections) connection.destroy();
    this.#whenIdle?.();
    this.#note('stopped');
    await this.#logFile.close();
  }

  async #openSource(): Promise<PageSource> {
    const { page, files } = this.config;
    if (/^https?:\/\//i.test(page)) return this.#urlSource(page);
    try {
      if (page !== '') return await sourceAt(page, this.context.files);
    } catch (error) {
      throw new StudioError(
        'NO_PAGE',
        `The page ${page} cannot be served: ${(error as Error).message}`,
        'Name a file, a folder, or a URL that begins with http:// or https://.',
        { cause: error },
      );
    }
    if (files !== '') return new FolderSource(await this.context.files.folder(files));
    throw new StudioError(
      'NO_PAGE',
      'There is nothing to serve.',
      'Name a page: -w and a URL, a file or a folder.',
    );
  }

  #urlSource(url: string): UrlSource {
    const { fetchTimeoutMs, maxPageBytes, refreshMs } = this.config;
    const fetch = (from: string) =>
      httpGet(this.context, from, { timeoutMs: fetchTimeoutMs, maxBytes: maxPageBytes });
    return new UrlSource(url, fetch, this.context.log, (run) => this.context.clock.every(refreshMs, run));
  }

  /** On the port number of the listener, so that nobody needs to be told. Without it, only extensions lack. */
  async #answerProbes(port: number): Promise<void> {
    const { net, log } = this.context;
    try {
      this.#probes = await net.bind({ host: this.config.host, port }, (datagram, from) => {
        const nonce = decodeProbe(datagram);
        if (nonce !== null) this.#probes?.send(encodeProbeReply(nonce, this.#status()), from);
      });
    } catch (error) {
      log.warn(
        `UDP port ${port} cannot be used (${(error as Error).message}): this replica is taken for foreign.`,
      );
    }
  }

  #status(): ReplicaStatus {
    return {
      load: this.#transfers.size,
      bytes: this.#page?.is.size ?? 0,
      draining: this.#drainingSince !== undefined,
    };
  }

  #accept(connection: Connection): void {
    const reader = new HeaderReader();
    let transfer: Transfer | undefined;
    let opening = false;
    this.#connections.add(connection);
    connection.setIdle(this.config.idleMs, () => connection.destroy());

    const packet = (header: Header): void => {
      this.#trace('in', connection, header);
      if (transfer) return transfer.packet(header);
      if (header.flags === WATCH && !this.config.strict) return this.#watch(connection, header);
      if (opening) return;
      opening = true;
      void this.#open(connection, header).then((opened) => {
        transfer = opened;
        opened?.packet(header);
      });
    };
    connection.handle({
      data: (bytes) => reader.push(bytes, packet, !this.#watchers.has(connection)),
      close: () => {
        this.#connections.delete(connection);
        this.#watchers.delete(connection);
        if (transfer) this.#close(transfer);
        this.#published.changed();
      },
    });
  }

  async #open(connection: Connection, request: Header): Promise<Transfer | undefined> {
    try {
      const reader = await (await this.#currentPage()).read();
      if (connection.closed) {
        reader.close();
        return undefined;
      }
      const since = this.context.clock.wallTime();
      const transfer = new Transfer(connection, reader, since, !this.config.strict);
      this.#transfers.add(transfer);
      this.#note(`client ${formatEndpoint(connection.remote)} asks (sequence ${request.sequence})`);
      this.#published.changed();
      return transfer;
    } catch (error) {
      this.#pageFailed(error as Error);
      connection.destroy();
      return undefined;
    }
  }

  async #currentPage(): Promise<Page> {
    const page = await (this.#source as PageSource).current();
    if (this.#page?.is !== page) this.#page = { is: page, since: this.context.clock.wallTime() };
    this.#pageError = undefined;
    return page;
  }

  #pageFailed(error: Error): void {
    if (this.#pageError === error.message) return;
    this.#pageError = error.message;
    const text = `The page cannot be served: ${error.message}`;
    this.context.telemetry.event({ type: 'page-unavailable', text, level: 'bad' });
    this.#note(text);
    this.#published.changed();
  }

  #close(transfer: Transfer): void {
    if (!this.#transfers.delete(transfer)) return;
    transfer.reader.close();
    const { telemetry } = this.context;
    const client = formatEndpoint(transfer.connection.remote);
    if (transfer.completed) this.#served++;
    telemetry.count(transfer.completed ? 'served' : 'broken-off');
    telemetry.count('bytes', transfer.bytes);
    this.#note(
      `client ${client} ${transfer.completed ? 'has the page' : 'has gone'}: ${formatBytes(transfer.bytes)}`,
    );
    if (this.#transfers.size === 0) this.#whenIdle?.();
  }

  #watch(connection: Connection, { sequence }: Header): void {
    if (!this.#watchers.has(connection)) {
      this.#watchers.add(connection);
      connection.setIdle(0, () => {});
      this.#published.changed();
    }
    connection.write(encodeWatchReply(sequence, this.#drainingSince !== undefined));
  }

  #trace(direction: 'in' | 'out', connection: Connection, header: Header): void {
    const { sequence, acknowledgement, flags } = header;
    this.context.telemetry.trace(
      direction,
      'tcp',
      connection.remote,
      () => `seq ${sequence} ack ${acknowledgement} flags ${flags.toString(2)}`,
    );
  }

  #note(text: string): void {
    this.#logFile.line(text);
    this.context.log.info(text);
  }

  #snapshot(): ReplicaSnapshot {
    const clients = [...this.#transfers].slice(0, MAX_LISTED_CLIENTS).map((transfer) => ({
      address: formatEndpoint(transfer.connection.remote),
      bytes: transfer.bytes,
      since: transfer.since,
      bulk: transfer.bulk,
    }));
    const error = this.#pageError ?? this.#source?.problem;
    return {
      page: {
        source: this.#source?.name ?? '',
        ...(this.#page ? { size: this.#page.is.size, since: this.#page.since } : {}),
        ...(error ? { error } : {}),
      },
      clients,
      load: this.#transfers.size,
      served: this.#served,
      watchers: this.#watchers.size,
      ...(this.#drainingSince === undefined ? {} : { drainingSince: this.#drainingSince }),
    };
  }
}
