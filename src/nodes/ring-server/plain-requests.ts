import { createHash } from 'node:crypto';
import { encodeCheckReply, encodeMessage, NOT_FOUND, type RingMessage } from '../../protocol/ring-messages';
import type { Log, Telemetry } from '../../runtime/context';
import { inBackground } from '../shared/background';
import type { Incoming } from './incoming';
import type { ItemVersion } from './item-version';
import type { RingConfig } from './manifest';
import type { Membership } from './membership';
import type { Replication } from './replication';
import type { SeedCircle } from './seed-circle';
import type { ItemStore } from './store';

/** The longest message of the seed that is taken, bytes. */
export const MAX_PLAIN = 16 * 1024 * 1024;
/** What a JSON message says instead of a content that it cannot hold. */
const NOT_TEXT = '406 NOT TEXT, OR TOO LONG: USE micro-cdn ring-client';

/** What the answers need of the member itself. */
export interface PlainSurroundings {
  log: Log;
  telemetry: Telemetry;
  leaving(): boolean;
  /** Stores at all members. @returns the status for the client */
  put(incoming: Incoming, name: string): Promise<string>;
  checkContent(name: string): Promise<void>;
  changed(): void;
}

/** Answers the messages of the seed: from foreign members, and from clients of either kind. */
export class PlainRequests {
  constructor(
    readonly parts: { store: ItemStore; membership: Membership; replication: Replication; seed: SeedCircle },
    readonly config: RingConfig,
    readonly node: PlainSurroundings,
  ) {}

  /** @returns the reply, or null where the seed has none */
  async answer(message: RingMessage): Promise<string | null> {
    const { membership, seed } = this.parts;
    if ('creator' in message) {
      if (!seed.returned(message)) inBackground(this.node.log, message.type, this.#circular(message));
      return null;
    }
    switch (message.type) {
      case 'INSERT':
        membership.insert(message.data);
        return null;
      case 'CHECK':
        return this.config.strict || this.node.leaving()
          ? null
          : encodeCheckReply({ address: membership.self, rings: [...membership.rings] });
      case 'GET':
        return typeof message.data === 'string' ? this.#get(message.data) : null;
      case 'PUT':
        return 'content' in message.data ? this.#putText(message.data.item, message.data.content) : null;
    }
  }

  async #get(item: string): Promise<string> {
    const { replication, seed } = this.parts;
    this.node.telemetry.count('gets');
    const found = await replication.find(item);
    const content = found ? await this.#textOfItem(found) : ((await seed.get(item)) ?? NOT_FOUND);
    return encodeMessage({ type: 'GET', data: { item, content } });
  }

  /** The content for a JSON message. One that is damaged on this disk is got from the others first. */
  async #textOfItem({ name, size, sha256 }: ItemVersion): Promise<string> {
    if (size > MAX_PLAIN) return NOT_TEXT;
    const { store } = this.parts;
    const bytes = await store.read(name).catch(() => null);
    if (bytes && createHash('sha256').update(bytes).digest('hex') === sha256)
      return textOf(bytes) ?? NOT_TEXT;
    await this.node.checkContent(name);
    return store.get(name) ? (textOf(await store.read(name)) ?? NOT_TEXT) : NOT_FOUND;
  }

  async #putText(item: string, content: string): Promise<string> {
    const incoming = await this.parts.store.receiveWhole(Buffer.from(content, 'utf8'));
    return encodeMessage({ type: 'PUT', data: { item, status: await this.node.put(incoming, item) } });
  }

  async #circular(message: Extract<RingMessage, { creator: string }>): Promise<void> {
    const { membership, seed, store } = this.parts;
    // From one of ours, the same comes by a link as well, with versions: only the foreign need this one.
    const foreign = !membership.isOurs(message.creator);
    if (!('item' in message.data)) {
      await seed.passOn(message);
      if (foreign) await membership.considerList(message.data, message.creator);
      return;
    }
    const { item, content } = message.data;
    const own = store.get(item);
    if (message.type === 'FORWARD_GET' && own && own.size <= MAX_PLAIN) {
      const text = textOf(await store.read(item));
      if (text !== null) return seed.passOn({ ...message, data: { item, content: text } });
    }
    if (message.type === 'FORWARD_PUT' && foreign)
      await this.#storeFromForeign(item, content, message.creator);
    return seed.passOn(message);
  }

  /** Each member of ours gets it by itself as it goes round: the same content makes no new version. */
  async #storeFromForeign(item: string, content: string, creator: string): Promise<void> {
    const { store } = this.parts;
    const own = store.get(item);
    if (own && own.size <= MAX_PLAIN && textOf(await store.read(item)) === content) return;
    const incoming = await store.receiveWhole(Buffer.from(content, 'utf8'));
    await store.commit(incoming, item, { version: (own?.version ?? 0) + 1, by: creator });
    this.node.changed();
  }
}

/** The bytes as text, where they are UTF-8: a JSON message can hold nothing else. */
export function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
