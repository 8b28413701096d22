/** What other methods than GET do to the cache (RFC 9111, section 4.4). */
import { describe, expect, it } from 'vitest';
import { CacheWorld, type Script } from '../testing/cache-world';
import { fresh } from '../testing/reuse';

describe('methods (RFC 9111, section 4.4; RFC 9110, section 9.3.3)', () => {
  it.each(['POST', 'PUT', 'DELETE', 'M-SEARCH'])(
    '%s invalidates after success, not after failure',
    async (method) => {
      for (const [status, requests] of [
        [200, 3],
        [302, 3],
        [500, 2],
      ] as const) {
        const world = await CacheWorld.start();
        world.script({ headers: fresh }, { status, headers: [] });
        await world.ask();
        await world.ask({ method, body: 'abc' });
        expect(world.seen[1]).toMatchObject({ body: 'abc' });
        await world.ask();
        expect(world.seen).toHaveLength(requests);
      }
    },
  );
  it('Location and Content-Location of the same origin too', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    for (const path of ['/x/a', '/x/b', '/c']) await world.ask({ path });
    world.script({
      headers: [
        ['Location', 'a'],
        ['Content-Location', 'http://cache.example/x/b'],
      ],
    });
    await world.ask({ method: 'POST', path: '/x/', body: '1' });
    for (const path of ['/x/a', '/x/b', '/c']) await world.ask({ path });
    expect(world.seen.slice(4).map(({ head }) => head.target)).toEqual(['/x/a', '/x/b']);
  });
  it('a POST that describes its own URI is stored for GET', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Expires', 3600],
        ['Content-Location', '/p'],
      ],
      body: 'posted',
    });
    await world.ask({ method: 'POST', path: '/p', body: '1' });
    expect((await world.ask({ path: '/p' })).body).toBe('posted');
    expect(world.seen).toHaveLength(1);
  });
  it('4.3.2: what If-Match and If-Unmodified-Since ask was for the origin to tell', async () => {
    const world = await CacheWorld.start();
    world.script(
      { headers: [['ETag', '"2"']], body: 'saved' },
      { headers: [['ETag', '"2"']], body: 'saved' },
      { headers: [['Last-Modified', -10]], body: 'saved' },
    );
    const ifMatch: [string, string][] = [['If-Match', '"1"']];
    const ifNoneMatch: [string, string][] = [['If-None-Match', '*']];
    for (const reply of [
      await world.ask({ method: 'PUT', headers: ifMatch, body: '1' }),
      await world.ask({ method: 'PUT', headers: ifNoneMatch, body: '1' }),
      await world.ask({ headers: [['If-Unmodified-Since', -100]] }),
    ])
      expect(reply).toMatchObject({ status: 200, body: 'saved' });
  });
  it('different queries are different keys', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    for (const path of ['/?a=1', '/?a=2', '/?a=1']) await world.ask({ path });
    expect(world.seen).toHaveLength(2);
  });
  it('4.4: what another origin has is not invalidated', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    await world.ask({ path: '/x' });
    world.script({
      headers: [
        ['Location', 'http://other.example/x'],
        ['Content-Location', '//other.example/x'],
      ],
    });
    await world.ask({ method: 'POST', path: '/', body: '1' });
    await world.ask({ path: '/x' });
    expect(world.seen).toHaveLength(2);
  });
  it('4: an unsafe request is always written through', async () => {
    const world = await CacheWorld.start();
    const posted: Script = {
      headers: [...fresh, ['Content-Location', '/p']],
    };
    world.script(posted, posted);
    await world.ask({ method: 'POST', path: '/p', body: '1' });
    await world.ask({ method: 'POST', path: '/p', body: '1' });
    expect(world.seen).toHaveLength(2);
  });
  it('4.4: nor is stored what was asked for before an unsafe request', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: fresh, body: 'old', delayMs: 500 }, { status: 204, headers: [] });
    const before = world.begin({});
    await world.wait(0.1);
    await world.ask({ method: 'POST', body: '1' });
    await world.wait(1);
    expect((await before).body).toBe('old');
    world.script({ headers: fresh, body: 'new' });
    expect((await world.ask()).body).toBe('new');
  });
});
