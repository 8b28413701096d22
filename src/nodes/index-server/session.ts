import { encode, type Get, parseAtIndex, type Register, type Tolerance } from '../../protocol/micro-cdn';
import {
  extension,
  type IndexExtension,
  indexFeatures,
  parseIndexExtension,
  shared,
  withDigest,
} from '../../protocol/micro-cdn-extensions';
import { parseHoldersQuestion, spans } from '../../protocol/micro-cdn-spans';
import type { LineHandler, LinePeer } from '../shared/line-peer';
import type { Directory, Located } from './directory';
import type { FileRecord, ServerRecord } from './registry';

/** Some clients wait for the end of the connection after the answer; others ask again. Both get this long. */
const ANSWERED_IDLE_MS = 2000;
/** A client may name so many servers to avoid. */
const MAX_AVOIDED = 100;

/** One connection to the index: a content server, a client or a monitor, as its first lines tell. */
export class IndexSession implements LineHandler {
  readonly #peer: LinePeer;
  readonly #directory: Directory;
  readonly #tolerance: Tolerance;
  readonly #idleMs: number;
  #asked = false;
  #greeted = false;
  #answered = false;
  /** The peer has named `route`: SERVER may carry features. */
  #routes = false;
  /** The peer has named `digests`: SERVER and HOLDER may carry one. */
  #digests = false;
  #avoided: string[] = [];
  /** The server that registers or updates here, until DONE_FILES. */
  #announcing: { server: ServerRecord; registration: number; update: boolean; changes: number } | undefined;

  constructor(peer: LinePeer, directory: Directory, tolerance: Tolerance, idleMs: number) {
    this.#peer = peer;
    this.#directory = directory;
    this.#idleMs = idleMs;
    this.#tolerance = tolerance;
  }

  /** True between REGISTER (or UPDATE) and DONE_FILES. */
  get announcing(): boolean {
    return this.#announcing !== undefined;
  }

  /** Whether anything but a greeting has come. */
  get asked(): boolean {
    return this.#asked;
  }

  line(line: string): void {
    const request = parseAtIndex(line, this.#tolerance);
    this.#asked ||= !line.startsWith('HELLO');
    switch (request.type) {
      case 'get':
        return this.#get(request);
      case 'add-file':
        return this.#add(request.serverId, request.name, request.size);
      case 'hello':
        this.#greeted = true;
        return this.#peer.reply(encode.welcome());
      case 'register':
        return this.#register(request);
      case 'done-files':
        return this.#done();
      case 'server-down':
        this.#directory.markDead(request.serverId, 'the monitor sent SERVER_DOWN');
        return this.#peer.reply(encode.markedDead());
      case 'list-files':
        return void this.#peer.stream(listFiles(this.#directory.registry.files.values()));
      case 'list-servers':
        return void this.#peer.stream(listServers(this.#directory.registry.servers.values()));
      case 'ping':
        return this.#peer.reply(encode.pong());
      case 'malformed': {
        const asked = this.#tolerance.extensions ? parseHoldersQuestion(line) : null;
        if (asked !== null)
          return void this.#peer.stream(listHolders(this.#directory.holders(asked), this.#digests));
        const ours = parseIndexExtension(line, this.#tolerance);
        if (ours === null || ours.type === 'malformed')
          return this.#peer.finish(encode.error((ours ?? request).reason));
        return this.#extension(ours);
      }
    }
  }

  #get({ name }: Get): void {
    if (!this.#greeted && !this.#tolerance.getWithoutHello) {
      return this.#peer.finish(encode.error('HELLO_EXPECTED'));
    }
    this.#setAnswered(true);
    const located = this.#directory.lookup(name, this.#avoided);
    if (!located) return this.#peer.reply(encode.error('FILE_NOT_FOUND'));
    const { server, size } = located.holding;
    const answer = encode.server({
      host: server.host,
      tcpPort: server.tcpPort,
      serverId: server.serverId,
      size,
    });
    const features = this.#routes ? server.features : [];
    const sha256 = this.#digests ? located.sha256 : undefined;
    this.#peer.reply(extension.serverWith(answer, withDigest(features, sha256)));
  }

  #register(request: Register): void {
    const server = this.#directory.register(request, this.#peer.connection.remote.host);
    if (!server) return this.#peer.finish(encode.error('BUSY'));
    this.#setAnswered(false);
    this.#announcing = { server, registration: server.registration, update: false, changes: 0 };
    this.#peer.reply(encode.registered());
  }

  #add(serverId: string, name: string, size: number): void {
    const server = this.#announcer(serverId);
    if (!server) return this.#peer.finish(encode.error('NOT_REGISTERED'));
    const outcome = this.#directory.addFile(server, name, size);
    if (outcome === 'full') this.#peer.finish(encode.error('BUSY'));
    if (outcome === 'bad-name' && !this.#tolerance.badNamesSkipped) {
      this.#peer.finish(encode.error('BAD_FILE_NAME'));
    }
  }

  #done(): void {
    const announcing = this.#announcing;
    this.#announcing = undefined;
    if (!announcing && !this.#tolerance.addWithoutRegister) {
      return this.#peer.finish(encode.error('NOT_REGISTERED'));
    }
    if (announcing?.update) this.#directory.completeUpdate(announcing.server, announcing.changes);
    else if (announcing?.registration === announcing?.server.registration && announcing) {
      this.#directory.completeRegistration(announcing.server);
    }
    this.#peer.reply(encode.filesAdded());
  }

  #setAnswered(answered: boolean): void {
    if (this.#answered === answered) return;
    this.#answered = answered;
    this.#peer.setIdle(answered ? Math.min(this.#idleMs, ANSWERED_IDLE_MS) : this.#idleMs);
  }

  #extension(request: IndexExtension): void {
    switch (request.type) {
      case 'hello-with': {
        this.#greeted = true;
        const features = shared(request.features, indexFeatures);
        this.#routes = features.includes('route');
        this.#digests = features.includes('digests');
        return this.#peer.reply(extension.welcome(features));
      }
      case 'avoid':
        this.#avoided = request.serverIds.slice(0, MAX_AVOIDED);
        return;
      case 'server-up':
        this.#directory.markAlive(request.serverId, 'the monitor hears its heartbeats again');
        return this.#peer.reply(extension.markedAlive());
      case 'status': {
        const server = this.#directory.server(request.serverId);
        const known = server
          ? { status: server.status, files: server.files.size, sum: server.sum }
          : { status: 'unknown' as const, files: 0, sum: 0 };
        const { sum, ...plain } = known;
        const answer = { serverId: request.serverId, ...plain, ...(request.sum ? { sum } : {}) };
        return this.#peer.reply(extension.statusAnswer(answer));
      }
      case 'update':
        return this.#update(request.serverId);
      case 'remove-file': {
        const server = this.#announcer(request.serverId);
        if (!server) return this.#peer.finish(encode.error('NOT_REGISTERED'));
        return this.#directory.removeFile(server, request.name);
      }
      case 'file-digest': {
        const server = this.#announcer(request.serverId, 0);
        if (server) this.#directory.setDigest(server, request.name, request.sha256);
        return;
      }
      case 'features': {
        const server = this.#announcer(request.serverId);
        if (server) server.features = request.features;
        return;
      }
      case 'drain': {
        const server = this.#directory.server(request.serverId);
        if (!server) return this.#peer.finish(encode.error('NOT_REGISTERED'));
        this.#directory.drain(server);
        return this.#peer.reply(extension.draining());
      }
    }
  }

  /** A server that is dead or draining in our eyes has to register: that is what brings it back. */
  #update(serverId: string): void {
    const server = this.#directory.server(serverId);
    if (server?.status !== 'alive') return this.#peer.finish(encode.error('NOT_REGISTERED'));
    this.#announcing = { server, registration: server.registration, update: true, changes: 0 };
    this.#peer.reply(extension.updating());
  }

  /** The server that a line about `serverId` is for, if it may come on this connection. */
  #announcer(serverId: string, changes = 1): ServerRecord | undefined {
    const announcing = this.#announcing;
    if (announcing?.server.serverId === serverId) {
      announcing.changes += changes;
      return announcing.server;
    }
    return this.#tolerance.addWithoutRegister ? this.#directory.server(serverId) : undefined;
  }
}

function* listFiles(files: Iterable<FileRecord>): Generator<string> {
  for (const { name, holdings } of files) yield encode.listedFile(name, holdings[0]?.size ?? 0);
  yield encode.end();
}

function* listHolders(holders: readonly Located[], digests: boolean): Generator<string> {
  for (const { holding, sha256 } of holders) {
    const features = withDigest(holding.server.features, digests ? sha256 : undefined);
    yield spans.holder({ ...holding.server, features, size: holding.size });
  }
  yield encode.end();
}

function* listServers(servers: Iterable<ServerRecord>): Generator<string> {
  for (const { serverId, host, tcpPort, status } of servers) {
    if (status === 'alive') yield encode.listedServer(serverId, host, tcpPort);
  }
  yield encode.end();
}
