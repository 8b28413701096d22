/** A peer that speaks the seed's plain protocol, at the index. */
import { formatSeedFileList, formatSeedHolders, SEND_FILES, type SeedCommand } from '../../protocol/p2p-seed';
import { type SeedEvent, SeedSession } from '../../protocol/p2p-seed-session';
import type { Connection, NodeContext, Timer } from '../../runtime/context';
import { INDEX_FULL, type Peer, type Registry } from './registry';

const LOGIN_REQUIRED =
  'ERROR Login required: this index takes only peers that prove who they are. Use a peer with login, or ask the owner of the index to switch it off.';

/** Bytes of earlier answers that a peer has not read: one that asks on nevertheless is cut off, not remembered. */
const MAX_UNREAD = 16 * 1024 * 1024;

export interface SeedPeerOptions {
  context: NodeContext;
  registry: Registry;
  peer: Peer;
  loginRequired: boolean;
  /** Registration, or what it announces, has changed. */
  changed(): void;
  registered(): void;
  /** Its files are more than can be remembered, so that it is let go. */
  full(): void;
}

/** Feeds what is received to the protocol and answers. Returns the handler for further bytes. */
export class SeedPeer {
  readonly #connection: Connection;
  readonly #options: SeedPeerOptions;
  readonly #session = new SeedSession();
  #timer: Timer | null = null;

  constructor(connection: Connection, options: SeedPeerOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  receive(bytes: Uint8Array): void {
    const { context } = this.#options;
    this.#handle(this.#session.receive(bytes, context.clock.now()));
  }

  closed(): void {
    this.#timer?.cancel();
  }

  #handle(events: SeedEvent[]): void {
    for (const event of events) {
      if (event.type === 'flooded') return this.#connection.destroy();
      if (event.type === 'command') this.#command(event.command);
      else this.#files(event.names);
    }
    this.#timer?.cancel();
    const { clock } = this.#options.context;
    const { dueAt } = this.#session;
    if (dueAt === null) return;
    this.#timer = clock.after(dueAt - clock.now(), () => this.#handle(this.#session.tick(clock.now())));
  }

  #files(names: string[]): void {
    const { registry, peer, changed, full, context } = this.#options;
    if (peer.port === 0) return;
    context.telemetry.trace(
      'in',
      'tcp',
      this.#connection.remote,
      () => `${names.length} names: ${names.join(' ')}`,
    );
    if (!registry.replaceNames(peer, names)) {
      full();
      return this.#connection.end(`ERROR ${INDEX_FULL}`);
    }
    changed();
  }

  #command(command: SeedCommand): void {
    const { registry, peer, context, loginRequired, changed, registered } = this.#options;
    if (this.#connection.pendingBytes > MAX_UNREAD) return this.#connection.destroy();
    context.telemetry.trace('in', 'tcp', this.#connection.remote, () => describe(command));
    if (command.type === 'unknown') return context.telemetry.count('unknown-commands');
    if (loginRequired) return this.#answer(LOGIN_REQUIRED);
    switch (command.type) {
      case 'register':
        registry.register(peer, command.port);
        registered();
        return this.#answer(SEND_FILES);
      case 'update':
      case 'delete':
        return this.#answer(SEND_FILES);
      case 'unregister':
        registry.clear(peer);
        peer.port = 0;
        return changed();
      case 'get_files_list':
        return this.#answer(formatSeedFileList(registry.namesFor(peer)));
      case 'download': {
        const holders = registry
          .holdersFor(command.name, peer)
          .filter((holder) => holder.files.get(command.name)?.complete);
        context.telemetry.count('lookups');
        return this.#answer(formatSeedHolders(holders.map(({ connection, port }) => ({ connection, port }))));
      }
    }
  }

  #answer(text: string): void {
    this.#options.context.telemetry.trace('out', 'tcp', this.#connection.remote, () => text);
    this.#connection.write(text);
  }
}

function describe(command: SeedCommand): string {
  switch (command.type) {
    case 'register':
      return `register ${command.port}`;
    case 'download':
      return `download ${command.name}`;
    case 'unknown':
      return `(not understood) ${command.text.slice(0, 200)}`;
    default:
      return command.type;
  }
}
