/**
 * Peers that send damaged messages: nothing of it crashes or hangs the cache, or makes a client get what was meant
 * for another request.
 */
import { describe, expect, it } from 'vitest';
import { ContentReader } from '../../protocol/http/content-reader';
import { Fields } from '../../protocol/http/fields';
import { responseFraming } from '../../protocol/http/framing';
import { defaultHeadLimits, HeadReader } from '../../protocol/http/head-reader';
import { parseResponseHead } from '../../protocol/http/response-head';
import { isInterim } from '../../protocol/http/status';
import { mutate, replySeeds, requestSeeds } from '../../protocol/http/testing/mutation';
import type { Connection } from '../../runtime/context';
import { seededRandom } from '../../runtime/random';
import { CacheWorld } from './testing/cache-world';

const CASES = 250;
/** Longer than the cache waits for an origin that says nothing. */
const PATIENCE_S = 35;

interface Reply {
  status: number;
  body: string;
}

/** A client that keeps its connection, and reads to the letter of RFC 9112: what is malformed throws. */
class StrictClient {
  readonly replies: Reply[] = [];
  closed = false;
  readonly #connection: Connection;
  readonly #heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'never' });
  #content: ContentReader | undefined;
  #reply: Reply | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    const over = (): void => {
      this.closed = true;
      if (this.#reply && this.#content?.framing.kind === 'until-close') this.replies.push(this.#reply);
      this.#reply = undefined;
    };
    connection.handle({ data: (bytes) => this.#read(bytes), end: over, close: over });
  }

  send(bytes: Uint8Array): void {
    if (!this.closed) this.#connection.write(bytes);
  }

  leave(): void {
    this.#connection.destroy();
  }

  ask(path: string, headers: [string, string][] = []): void {
    const fields = Fields.of(['Host', 'cache.example'], ...headers);
    this.send(Buffer.from(`GET ${path} HTTP/1.1\r\n${fields}\r\n`, 'latin1'));
  }

  #read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#content || !this.#reply) {
        const read = this.#heads.read(bytes, at);
        at = read.next;
        if (read.head === null) return;
        const head = parseResponseHead(read.head, defaultHeadLimits.maxFields);
        if (isInterim(head.status)) continue;
        this.#reply = { status: head.status, body: '' };
        this.#content = new ContentReader(responseFraming('GET', head.status, head.fields), {
          extensions: 'refuse',
        });
      } else {
        const reply = this.#reply;
        at = this.#content.push(bytes, at, (part) => {
          reply.body += Buffer.from(part).toString('latin1');
        });
      }
      if (!this.#content.done) continue;
      this.replies.push(this.#reply);
      this.#content = this.#reply = undefined;
    }
  }
}

async function connect(world: CacheWorld): Promise<StrictClient> {
  const { simulation } = world;
  const opening = simulation.network
    .host('client', simulation.clock)
    .connect({ host: '127.0.0.1', port: 9000 });
  await simulation.settle();
  return new StrictClient(await opening);
}

/** Bytes in one to three pieces. */
function pieces(bytes: Buffer, random: () => number): Buffer[] {
  const cuts = Array.from({ length: Math.floor(random() * 3) }, () => Math.floor(random() * bytes.length));
  const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, at) => bytes.subarray(edges[at], end));
}

describe('damaged replies of an origin', () => {
  it.each([
    ['whole', []],
    ['in part', [['Range', 'bytes=0-3']]],
    ['on a condition', [['If-None-Match', '"a"']]],
  ] as [string, [string, string][]][])('asked for %s: one answer, or the end', async (_what, headers) => {
    const random = seededRandom(9111);
    const world = await CacheWorld.start();
    let intact = 0;
    for (let at = 0; at < CASES; at++) {
      const bytes = mutate(replySeeds, random);
      const what = JSON.stringify(bytes.toString('latin1'));
      world.script({ raw: pieces(bytes, random), closes: random() < 0.3 });
      const client = await connect(world);
      client.ask(`/${at}`, headers);
      await world.wait(1);
      if (client.replies.length === 0 && !client.closed) await world.wait(PATIENCE_S);
      expect(client.replies.length === 1 || client.closed, `hangs: ${what}`).toBe(true);
      const [first] = client.replies;

      // Whatever came, the next request gets its own answer, on this connection or on a new one.
      const next = client.closed ? await connect(world) : client;
      world.script({ headers: [], body: `answer ${at}` });
      next.ask(`/next/${at}`);
      await world.wait(1);
      expect(next.replies.at(-1), what).toEqual({ status: 200, body: `answer ${at}` });
      expect(next.replies).toHaveLength(next === client ? 2 : 1);
      if (!first || first.status >= 300) continue;

      // And what was stored of it is what the client got; a Range counts only once the length is known.
      intact++;
      const seen = world.seen.length;
      next.ask(`/${at}`, headers);
      await world.wait(1);
      if (world.seen.length > seen) continue;
      const again = next.replies.at(-1);
      const part = first.status === 200 && again?.status === 206;
      expect(again?.body, what).toBe(part ? first.body.slice(0, 4) : first.body);
    }
    expect(intact).toBeGreaterThan(CASES / 5);
    await world.stop();
  });
});

describe('damaged requests of a client', () => {
  it('reach the origin well-formed or not at all, and leave others in peace', async () => {
    const random = seededRandom(9110);
    const world = await CacheWorld.start();
    for (let at = 0; at < CASES; at++) {
      const bytes = mutate(requestSeeds, random);
      const what = JSON.stringify(bytes.toString('latin1'));
      const client = await connect(world);
      for (const piece of pieces(bytes, random)) {
        client.send(piece);
        await world.simulation.settle();
      }
      await world.wait(1);
      client.leave();
      await world.wait(1);
      world.script({ headers: [], body: `answer ${at}` });
      const other = await connect(world);
      other.ask(`/next/${at}`);
      await world.wait(1);
      expect(other.replies, what).toEqual([{ status: 200, body: `answer ${at}` }]);
      other.leave();
    }
    const methods = new Set(world.seen.map(({ head }) => head.method));
    expect([...methods]).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'DELETE']));
    await world.stop();
  });
});
