/** What requests may ask of a cache (RFC 9111, section 5.2.1). */
import { describe, expect, it } from 'vitest';
import { CacheWorld } from '../testing/cache-world';
import { fresh, type Headers, reused } from '../testing/reuse';

describe('directives of requests (RFC 9111, section 5.2.1)', () => {
  const stored = (headers: Headers, asked: Headers, pause = 0): Promise<boolean> =>
    reused({ headers }, { headers: asked }, { pause });
  it('max-age', async () => {
    expect(await stored([...fresh, ['Age', '1800']], [['Cache-Control', 'max-age=600']])).toBe(false);
    expect(await stored([...fresh, ['Age', '100']], [['Cache-Control', 'max-age=600']])).toBe(true);
  });
  it('min-fresh', async () => {
    expect(await stored([['Cache-Control', 'max-age=1500']], [['Cache-Control', 'min-fresh=2000']])).toBe(
      false,
    );
    expect(await stored([['Cache-Control', 'max-age=1500']], [['Cache-Control', 'min-fresh=1000']])).toBe(
      true,
    );
  });
  it('max-stale', async () => {
    const headers: Headers = [
      ['Cache-Control', 'max-age=1'],
      ['ETag', '"a"'],
    ];
    expect(await stored(headers, [['Cache-Control', 'max-stale=1000']], 3)).toBe(true);
    expect(await stored(headers, [['Cache-Control', 'max-stale']], 3)).toBe(true);
    expect(await stored(headers, [['Cache-Control', 'max-stale=1']], 3)).toBe(false);
  });
  it('no-cache, and Pragma where there is no Cache-Control (5.4)', async () => {
    expect(await stored(fresh, [['Cache-Control', 'no-cache']])).toBe(false);
    expect(await stored(fresh, [['Pragma', 'no-cache']])).toBe(false);
    expect(
      await stored(fresh, [
        ['Pragma', 'no-cache'],
        ['Cache-Control', 'x'],
      ]),
    ).toBe(true);
  });
  it('no-store: the reply is not kept', async () => {
    expect(await reused({ headers: fresh }, {}, { ask: { headers: [['Cache-Control', 'no-store']] } })).toBe(
      false,
    );
  });
  it('only-if-cached: 504 when it is not', async () => {
    const world = await CacheWorld.start();
    expect((await world.ask({ headers: [['Cache-Control', 'only-if-cached']] })).status).toBe(504);
    expect(world.seen).toHaveLength(0);
  });
  it.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=1'])(
    'max-stale does not override %s of the reply (4.2.4)',
    async (directive) => {
      const headers: Headers = [
        ['Cache-Control', `max-age=1, ${directive}`],
        ['ETag', '"a"'],
      ];
      expect(await stored(headers, [['Cache-Control', 'max-stale=1000']], 3)).toBe(false);
    },
  );
  it('only-if-cached: what is stored answers', async () => {
    expect(await stored(fresh, [['Cache-Control', 'only-if-cached']])).toBe(true);
  });
  it('names in any case, and what is not known is ignored', async () => {
    expect(await stored(fresh, [['Cache-Control', 'x=1, NO-CACHE']])).toBe(false);
    expect(await stored(fresh, [['Cache-Control', 'x=1']])).toBe(true);
  });
});
