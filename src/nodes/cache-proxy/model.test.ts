/**
 * Random requests, several at a time, for resources that vary and change, against an origin that does everything
 * right: whatever was stored, combined, validated or waited for, nobody gets anything that the origin never had for
 * this request, or had too long ago.
 */
import { describe, expect, it } from 'vitest';
import { parseContentRange, selectRanges } from '../../protocol/http/range';
import type { RequestHead } from '../../protocol/http/request-head';
import { seededRandom } from '../../runtime/random';
import { type Ask, CacheWorld, type Reply, type Script } from './testing/cache-world';

const EPISODES = 15;
const STEPS = 30;
const MAX_AGE_S = 5;
/** Longest that the origin takes, s. */
const SLOWEST_S = 0.4;
/** Time for a few questions to the origin, one after the other. */
const PATIENCE_S = 3;
const validators = ['etag', 'weak', 'modified', 'none'] as const;

/** One representation that the origin had; `until` when it got another one, Unix ms. */
interface Version {
  body: string;
  etag: string;
  modified: string;
  until: number;
}

/** The resources of an origin, each with two variants, by the field Foo. */
class Origin {
  readonly #versions = new Map<string, Version[]>();
  readonly #now: () => number;
  readonly #random: () => number;
  #count = 0;
  validator: (typeof validators)[number] = 'etag';
  gone = false;

  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  versions(path: string, foo: string): Version[] {
    const key = `${path} ${foo}`;
    const versions = this.#versions.get(key) ?? [this.#make(key)];
    this.#versions.set(key, versions);
    return versions;
  }

  change(path: string): void {
    for (const foo of ['1', '2']) {
      const versions = this.versions(path, foo);
      (versions.at(-1) as Version).until = this.#now();
      versions.push(this.#make(`${path} ${foo}`));
    }
  }

  #make(key: string): Version {
    const count = ++this.#count;
    const modified = new Date(Date.UTC(2020, 0, 1) + count * 1000).toUTCString();
    const body = `${key} ${count} `.padEnd(24, `${count}`);
    return { body, etag: `"${count}"`, modified, until: Number.POSITIVE_INFINITY };
  }

  answer({ method, target, fields }: RequestHead): Script {
    const delayMs = Math.floor(this.#random() * SLOWEST_S * 1000);
    if (this.gone) return { disconnect: true, delayMs };
    if (method === 'POST') {
      this.change(target);
      return { status: 204, headers: [], delayMs };
    }
    const version = this.versions(target, fields.get('foo') ?? '').at(-1) as Version;
    const etag = this.validator === 'weak' ? `W/${version.etag}` : version.etag;
    const headers: Script['headers'] = [
      ['Cache-Control', `max-age=${MAX_AGE_S}`],
      ['Vary', 'Foo'],
    ];
    if (this.validator === 'etag' || this.validator === 'weak') headers.push(['ETag', etag]);
    if (this.validator === 'modified') headers.push(['Last-Modified', version.modified]);
    const ifRange = fields.get('if-range');
    const whole = ifRange !== undefined && ifRange !== version.etag && ifRange !== version.modified;
    const range = whole ? undefined : fields.get('range');
    const ranges = range === undefined ? null : selectRanges(range, version.body.length);
    if (ranges === null || fields.has('if-none-match') || fields.has('if-modified-since')) {
      return { headers, body: version.body, validate: true, delayMs };
    }
    const size = version.body.length;
    if (ranges === 'unsatisfiable') {
      return { status: 416, headers: [['Content-Range', `bytes */${size}`]], body: '', delayMs };
    }
    const { start, end } = ranges[0] as { start: number; end: number };
    headers.push(['Content-Range', `bytes ${start}-${end - 1}/${size}`]);
    return { status: 206, headers, body: version.body.slice(start, end), delayMs };
  }
}

/** What is wrong with a reply; null when nothing is. */
function complaint(reply: Reply, had: Version[], asked: Version | undefined): string | null {
  const { status, body, headers } = reply;
  if (reply.broken) return 'broken';
  if (status === 200) return had.some((version) => version.body === body) ? null : 'content of nobody';
  if (status === 304) {
    const tag = headers.get('etag')?.replace('W/', '');
    return had.some(({ etag }) => etag === tag && etag === asked?.etag) ? null : 'a 304 to another tag';
  }
  if (status === 206) {
    const range = parseContentRange(headers.get('content-range') ?? '');
    const fits = ({ body: whole }: Version): boolean =>
      range?.size === whole.length && whole.slice(range.start, range.end) === body;
    return had.some(fits) ? null : 'a part of nothing';
  }
  return status === 416 ? null : `status ${status}`;
}

describe('whatever happens', () => {
  it.each(validators)('nobody gets what is not theirs, with %s for a validator', async (validator) => {
    const random = seededRandom(9111);
    const draw = (sides: number): number => Math.floor(random() * sides);
    let fromStore = 0;
    for (let episode = 0; episode < EPISODES; episode++) {
      const world = await CacheWorld.start();
      const now = (): number => world.simulation.clock.wallTime();
      const origin = new Origin(now, random);
      origin.validator = validator;
      world.fallback = (request) => origin.answer(request);

      // Tenths of the requests that want a part.
      const share = [1, 9][draw(2)] as number;
      const changedBy = new Map<string, number>();
      const post = async (): Promise<null> => {
        const path = `/${draw(2)}`;
        const { status } = await world.begin({ method: 'POST', path, headers: [['Foo', '1']] });
        if (status === 204) changedBy.set(path, now());
        return null;
      };
      const ask = async (): Promise<string | null> => {
        const path = `/${draw(2)}`;
        const foo = `${1 + draw(2)}`;
        const headers: NonNullable<Ask['headers']> = [['Foo', foo]];
        const versions = origin.versions(path, foo);
        const asked = draw(4) === 0 ? versions[draw(versions.length)] : undefined;
        if (asked) headers.push(['If-None-Match', asked.etag]);
        const from = draw(20);
        if (draw(10) < share)
          headers.push(['Range', `bytes=${from}-${draw(2) === 0 ? '' : from + draw(15)}`]);
        if (draw(8) === 0) headers.push(['Cache-Control', 'no-cache']);
        // Without a validator nothing but the length would tell a HEAD's reply from that of another version.
        const method = validator !== 'none' && draw(12) === 0 ? 'HEAD' : 'GET';
        const oldest = now() - (MAX_AGE_S + SLOWEST_S) * 1000;
        const invalidated = changedBy.get(path) ?? 0;
        const reply = await world.begin({ method, path, headers });
        if (origin.gone && reply.status >= 500) return null;
        const had = versions.filter(({ until }) => until > invalidated && (origin.gone || until >= oldest));
        if (reply.headers.get('cache-status')?.includes('hit')) fromStore++;
        const problem = method === 'GET' ? complaint(reply, had, asked) : null;
        return problem && `${problem}: ${path} ${JSON.stringify(headers)} -> ${reply.status} ${reply.body}`;
      };

      for (let step = 0; step < STEPS; step++) {
        const asked = Promise.all(
          Array.from({ length: 1 + draw(4) }, () => (draw(12) === 0 ? post() : ask())),
        );
        await world.wait(PATIENCE_S);
        for (const problem of await asked) expect(problem, `episode ${episode}`).toBeNull();
        if (draw(6) === 0) origin.change(`/${draw(2)}`);
        origin.gone = draw(12) === 0;
        await world.wait(draw(4));
      }
      await world.stop();
    }
    expect(fromStore).toBeGreaterThan(EPISODES);
  });
});
