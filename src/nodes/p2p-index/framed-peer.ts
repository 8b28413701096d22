/** A peer of our own kind, at the index: login, announcements, and questions that may be followed. */

import { fileNameProblem } from '../../protocol/file-name';
import type { LoginGuard } from '../../protocol/login-guard';
import {
  inFrames,
  type ListedFile,
  MAX_FILES_PER_FRAME,
  type MessageOf,
  type P2pMessage,
} from '../../protocol/p2p-messages';
import type { Connection, NodeContext } from '../../runtime/context';
import type { Accounts } from '../p2p/accounts';
import { FramedConnection } from '../p2p/framed-connection';
import { type Challenge, challengeFor, checkProof } from '../p2p/login';
import { INDEX_FULL, type Peer, type Registry } from './registry';

/** A peer of ours says something every two seconds; one that has not for so long is gone. */
const SILENCE_MS = 10_000;
const MAX_FOLLOWED = 1000;
const NO_HASH = new Uint8Array(32);

export interface FramedPeerOptions {
  context: NodeContext;
  registry: Registry;
  peer: Peer;
  accounts: Accounts;
  guard: LoginGuard;
  loginRequired: boolean;
  /** Makes the salts of unknown users look like those of known ones. */
  secret: Uint8Array;
  changed(): void;
  registered(): void;
  /** Its files are more than can be remembered, so that it is let go. */
  full(): void;
  closed(error?: Error): void;
}

export class FramedPeer {
  readonly #options: FramedPeerOptions;
  readonly #framed: FramedConnection;
  readonly #followed = new Set<string>();
  /** Names whose followers have to be told, gathered so that a burst of changes is told once. */
  readonly #stale = new Set<string>();
  #telling = false;
  #listing = false;
  #state: 'greeting' | 'proving' | 'welcome' = 'greeting';
  #hello: MessageOf<'hello'> | null = null;
  #challenge: Challenge | null = null;
  #closed = false;

  constructor(connection: Connection, options: FramedPeerOptions) {
    this.#options = options;
    connection.setIdle(SILENCE_MS, () => this.#framed.destroy(new Error('It has said nothing for 10 s.')));
    this.#framed = new FramedConnection(
      connection,
      {
        message: (message) => this.#receive(message),
        closed: (error) => {
          this.#closed = true;
          options.closed(error);
        },
      },
      options.context.telemetry,
    );
  }

  receive(bytes: Uint8Array): void {
    this.#framed.receive(bytes);
  }

  drop(reason: string): void {
    this.#framed.refuse('PROTOCOL', `The connection is closed: ${reason}.`);
  }

  /** Holders of a file changed. */
  fileChanged(name: string): void {
    if (!this.#followed.has(name)) return;
    this.#stale.add(name);
    if (this.#telling) return;
    this.#telling = true;
    this.#options.context.clock.after(0, () => {
      this.#telling = false;
      for (const stale of this.#stale) this.#tellHolders(stale);
      this.#stale.clear();
    });
  }

  #receive(message: P2pMessage): void {
    if (message.kind === 'ping') return this.#framed.send(message);
    if (this.#state === 'greeting' && message.kind === 'hello') return this.#greet(message);
    if (this.#state === 'proving' && message.kind === 'proof') return this.#checkProof(message.proof);
    if (this.#state === 'welcome') return this.#serve(message);
    this.#framed.refuse('PROTOCOL', 'This message is out of turn.');
  }

  #greet(hello: MessageOf<'hello'>): void {
    const { loginRequired, accounts, secret, peer } = this.#options;
    this.#hello = hello;
    peer.id = hello.peer || peer.id;
    if (hello.user === '') {
      if (loginRequired) {
        return this.#framed.refuse(
          'LOGIN_REQUIRED',
          'This index takes only peers that log in. Give this peer a user name and a password.',
        );
      }
      return this.#welcome(NO_HASH);
    }
    const wait = this.#lockedForMs;
    if (wait > 0) return this.#refuseLocked(wait);
    this.#challenge = challengeFor(hello.user, accounts.get(hello.user), secret);
    this.#state = 'proving';
    this.#framed.send({ kind: 'challenge', ...this.#challenge });
  }

  #checkProof(proof: Uint8Array): void {
    const { guard, accounts, context, peer } = this.#options;
    const hello = this.#hello as MessageOf<'hello'>;
    // Others may have guessed since the challenge: many asked for at once must not be as many guesses.
    const wait = this.#lockedForMs;
    if (wait > 0) return this.#refuseLocked(wait);
    const account = accounts.get(hello.user);
    const signature = account && checkProof(account, hello.nonce, this.#challenge as Challenge, proof);
    if (signature) {
      for (const key of this.#guardKeys) guard.succeeded(key);
      peer.user = hello.user;
      return this.#welcome(signature);
    }
    const now = context.clock.now();
    const lock = Math.max(...this.#guardKeys.map((key) => guard.failed(key, now)));
    context.telemetry.count('failed-logins');
    context.telemetry.event({
      type: lock > 0 ? 'login-locked' : 'login-failed',
      text: `A wrong password was given for ${hello.user} from ${peer.connection.host}.${lock > 0 ? ` It is locked out for ${Math.round(lock / 1000)} s.` : ''}`,
      subject: hello.user,
      level: 'warning',
    });
    this.#options.changed();
    if (lock > 0) return this.#refuseLocked(lock);
    this.#framed.refuse('LOGIN_FAILED', 'The user name or the password is wrong.');
  }

  /** An account is guessed from many addresses, and an address guesses many accounts: both are counted. */
  get #guardKeys(): string[] {
    return [
      `account ${(this.#hello as MessageOf<'hello'>).user}`,
      `address ${this.#options.peer.connection.host}`,
    ];
  }

  get #lockedForMs(): number {
    const { guard, context } = this.#options;
    const now = context.clock.now();
    return Math.max(...this.#guardKeys.map((key) => guard.lockedFor(key, now)));
  }

  #refuseLocked(waitMs: number): void {
    this.#framed.refuse('LOCKED', `Too many wrong passwords. Try again in ${Math.ceil(waitMs / 1000)} s.`);
  }

  #welcome(signature: Uint8Array): void {
    this.#state = 'welcome';
    this.#framed.send({ kind: 'welcome', peer: this.#options.peer.id, signature });
    this.#options.changed();
  }

  #serve(message: P2pMessage): void {
    const { registry, peer, changed } = this.#options;
    switch (message.kind) {
      case 'announce':
        return this.#announce(message);
      case 'retract':
        for (const name of message.names) registry.retract(peer, name);
        return changed();
      case 'unregister':
        registry.clear(peer);
        peer.port = 0;
        return changed();
      case 'load':
        peer.uploads = message.uploads;
        peer.slots = message.slots;
        return changed();
      case 'listFiles':
        return void this.#listFiles();
      case 'find':
        if (message.follow && this.#followed.size < MAX_FOLLOWED) this.#followed.add(message.name);
        this.#options.context.telemetry.count('lookups');
        return this.#tellHolders(message.name);
      case 'unfollow':
        return void this.#followed.delete(message.name);
      default:
        return this.#framed.refuse('PROTOCOL', `An index does not expect "${message.kind}".`);
    }
  }

  #announce({ reset, files }: MessageOf<'announce'>): void {
    const { registry, peer, changed, registered, full } = this.#options;
    const port = (this.#hello as MessageOf<'hello'>).port;
    if (port === 0) return this.#framed.refuse('PROTOCOL', 'A peer without a port cannot register files.');
    if (peer.port === 0) {
      registry.register(peer, port);
      registered();
    }
    if (reset) {
      const names = new Set(files.map(({ name }) => name));
      for (const name of [...peer.files.keys()]) if (!names.has(name)) registry.retract(peer, name);
    }
    for (const { name, size, root, complete } of files) {
      if (fileNameProblem(name) !== null) continue;
      const hex = Buffer.from(root).toString('hex');
      if (registry.announce(peer, name, { size, root: /^0+$/.test(hex) ? '' : hex, complete })) continue;
      full();
      return this.#framed.refuse('BUSY', INDEX_FULL);
    }
    changed();
  }

  /** One list at a time: a peer cannot tell the rows of two apart, and each takes memory until it has left. */
  async #listFiles(): Promise<void> {
    if (this.#listing) return;
    this.#listing = true;
    const { registry, peer } = this.#options;
    const rows = registry.namesFor(peer).map((name) => {
      const holders = registry.holdersFor(name, peer);
      return { name, size: Math.max(0, registry.sizeOf(name, holders)), holders: holders.length };
    });
    await this.#framed.stream(listOf(rows));
    this.#listing = false;
  }

  #tellHolders(name: string): void {
    if (this.#closed) return;
    const { registry, peer } = this.#options;
    const holders = registry
      .holdersFor(name, peer)
      .slice(0, 1000)
      .map((holder) => {
        const { size, root, complete } = holder.files.get(name) ?? { size: -1, root: '', complete: true };
        return {
          host: holder.connection.host,
          port: holder.port,
          peer: holder.id,
          extended: holder.framed,
          complete,
          size: Math.max(0, size),
          root: root === '' ? NO_HASH : Buffer.from(root, 'hex'),
          uploads: holder.uploads,
          slots: holder.slots,
        };
      });
    this.#framed.send({ kind: 'holders', name, holders });
  }
}

function* listOf(rows: readonly ListedFile[]): Generator<P2pMessage> {
  for (const { part, last } of inFrames(rows, MAX_FILES_PER_FRAME))
    yield { kind: 'fileList', last, files: part };
}
