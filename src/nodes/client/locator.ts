import { percentEncodeName } from '../../protocol/file-name';
import {
  encode,
  type IndexAnswer,
  parseIndexAnswer,
  type ServerAnswer,
  WELCOME_WAIT_MS,
} from '../../protocol/micro-cdn';
import { extension, type Feature, judgeWelcome, splitDigest } from '../../protocol/micro-cdn-extensions';
import { type HolderRow, parseHolder, spans } from '../../protocol/micro-cdn-spans';
import type { Endpoint, NodeContext } from '../../runtime/context';
import { LineClient } from '../shared/line-client';

/** A server that holds the file. */
export interface Located extends ServerAnswer {
  /** The name under which the index knows the file, and under which the server is asked. */
  wireName: string;
  /** What the file hashes to, as its holders told the index when they got it; absent where nobody else can tell. */
  sha256?: string;
}

/** One of several holders, and the digest as in `Located`. */
export interface LocatedHolder extends HolderRow {
  sha256?: string;
}

const WANTED: readonly Feature[] = ['route', 'holders', 'digests'];
/** An index that did not take the greeting with features is greeted so again: its answer may have been lost. */
const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;

/** More holders than anybody could use; an index that names more wants to fill our memory. */
const MAX_HOLDERS = 1000;

/** How an index wants to be greeted; learned, since some close the connection on what they do not know. */
type Greeting = 'with-features' | 'plain' | 'none';

const downgrade: Record<Greeting, Greeting> = { 'with-features': 'plain', plain: 'none', none: 'none' };

/** Asks an index, ours or a foreign one, where a file is. */
export class Locator {
  readonly #index: Endpoint;
  readonly #context: NodeContext;
  readonly #timeoutMs: number;
  readonly #strict: boolean;
  #greeting: Greeting;
  #retryMs = FIRST_RETRY_MS;
  #retryAt = 0;
  /** Answers in a row that were neither ours nor the seed's: the second is believed. */
  #unclear = 0;

  constructor(index: Endpoint, context: NodeContext, options: { timeoutMs: number; strict: boolean }) {
    this.#index = index;
    this.#context = context;
    this.#timeoutMs = options.timeoutMs;
    this.#strict = options.strict;
    this.#greeting = options.strict ? 'plain' : 'with-features';
  }

  /**
   * @param avoid servers that have just failed; a foreign index knows nothing of it and may name them again
   * @returns null when the index knows no live holder
   * @throws when the index cannot be reached, or does not answer
   */
  async locate(name: string, avoid: readonly string[], signal: AbortSignal): Promise<Located | null> {
    for (const wireName of this.#wireNames(name)) {
      const answer = await this.#ask(wireName, avoid, signal);
      if (answer.type !== 'server') continue;
      const { features, ...rest } = answer;
      return { ...rest, ...splitDigest(features), host: this.#reachable(answer.host), wireName };
    }
    return null;
  }

  /**
   * Everybody who has the file, least loaded first.
   * @returns null when the index cannot tell: it is not one of ours
   * @throws when it cannot be reached
   */
  async holders(
    name: string,
    signal: AbortSignal,
  ): Promise<{ wireName: string; rows: LocatedHolder[] } | null> {
    for (const wireName of this.#wireNames(name)) {
      const client = await LineClient.connect(this.#context, this.#index, {
        timeoutMs: this.#timeoutMs,
        signal,
      });
      try {
        const features = await this.#greet(client);
        if (!features?.includes('holders')) return null;
        client.write(spans.holders(wireName));
        const rows = await this.#holderRows(client);
        if (rows.length > 0) return { wireName, rows };
      } finally {
        client.close();
      }
    }
    return null;
  }

  async #holderRows(client: LineClient): Promise<LocatedHolder[]> {
    const rows: LocatedHolder[] = [];
    for (;;) {
      const row = parseHolder((await client.next(this.#timeoutMs)) ?? '');
      if (row === 'end') return rows;
      if (row === null || rows.length >= MAX_HOLDERS) throw new Error('It does not answer HOLDERS.');
      rows.push({ ...row, ...splitDigest(row.features), host: this.#reachable(row.host) });
    }
  }

  /** A foreign index may know a name with spaces in its percent-encoded form only. */
  #wireNames(name: string): Set<string> {
    return new Set([
      name,
      percentEncodeName(name, { spaces: true, nonAscii: false }),
      percentEncodeName(name, { spaces: true, nonAscii: true }),
    ]);
  }

  async #ask(
    name: string,
    avoid: readonly string[],
    signal: AbortSignal,
  ): Promise<Extract<IndexAnswer, { type: 'server' | 'error' }>> {
    const { telemetry } = this.#context;
    const askedAt = telemetry.asked();
    for (;;) {
      const client = await LineClient.connect(this.#context, this.#index, {
        timeoutMs: this.#timeoutMs,
        signal,
      });
      try {
        const features = await this.#greet(client);
        if (features === null) continue;
        const routes = features.includes('route') && avoid.length > 0;
        client.write((routes ? extension.avoid(avoid) : '') + encode.get(name));
        const answer = await this.#answer(client);
        telemetry.answered(askedAt);
        return answer;
      } finally {
        client.close();
      }
    }
  }

  /** The features of the index; null when another connection is needed: it did not like the greeting. */
  async #greet(client: LineClient): Promise<readonly string[] | null> {
    if (!this.#strict && this.#context.clock.now() >= this.#retryAt) this.#greeting = 'with-features';
    const greeting = this.#greeting;
    if (greeting === 'none') return [];
    client.write(greeting === 'plain' ? encode.hello() : extension.hello(WANTED));
    let line: string | null;
    try {
      line = await client.next(WELCOME_WAIT_MS);
    } catch {
      return this.#greetLess(greeting);
    }
    if (line !== null && parseIndexAnswer(line).type === 'error') return this.#greetLess(greeting);
    if (greeting === 'plain') return [];
    // Silence: it may have ignored the words behind HELLO, or HELLO itself. It is asked anyway.
    if (line === null) {
      this.#greetLess(greeting);
      return [];
    }
    const { from, features } = judgeWelcome(line, WANTED);
    if (from === 'unclear') return this.#unclear++ === 0 ? null : [];
    this.#unclear = 0;
    if (from === 'ours') this.#retryMs = FIRST_RETRY_MS;
    return features;
  }

  #greetLess(greeting: Greeting): null {
    this.#greeting = downgrade[greeting];
    if (greeting === 'with-features') {
      this.#retryAt = this.#context.clock.now() + this.#retryMs;
      this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs);
    }
    return null;
  }

  /** Skips what is no answer to GET, such as a late WELCOME. */
  async #answer(client: LineClient): Promise<Extract<IndexAnswer, { type: 'server' | 'error' }>> {
    const answer = await client.find(this.#timeoutMs, (line) => {
      const parsed = parseIndexAnswer(line);
      return parsed.type === 'server' || parsed.type === 'error' ? parsed : undefined;
    });
    if (answer === null) throw Object.assign(new Error('It does not answer GET.'), { code: 'ETIMEDOUT' });
    return answer;
  }

  /** An index may hand out the address that a server listens on: every address of the machine it runs on. */
  #reachable(host: string): string {
    return host === '0.0.0.0' || host === '::' ? this.#index.host : host;
  }
}
