/** When a stale reply may be served (RFC 9111, section 4.2.4; RFC 5861). */
import { describe, expect, it } from 'vitest';
import { CacheWorld, type Reply, type Script } from '../testing/cache-world';
import { fresh } from '../testing/reuse';

describe('stale replies (RFC 9111, section 4.2.4; RFC 5861)', () => {
  const becomesStale = async (
    control: string,
    ...next: Script[]
  ): Promise<{ world: CacheWorld; reply: Reply }> => {
    const world = await CacheWorld.start();
    world.script(
      {
        headers: [
          ['Cache-Control', control],
          ['ETag', '"a"'],
        ],
        body: 'old',
      },
      ...next,
    );
    await world.ask();
    await world.wait(3);
    return { world, reply: await world.ask() };
  };

  it('is served when the origin is gone', async () => {
    const { reply } = await becomesStale('max-age=2', { disconnect: true }, { disconnect: true });
    expect([reply.status, reply.body]).toEqual([200, 'old']);
  });
  it.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'])(
    'but not with %s',
    async (directive) => {
      const { reply } = await becomesStale(
        `max-age=2, ${directive}`,
        { disconnect: true },
        { disconnect: true },
      );
      expect(reply.status).toBe(502);
    },
  );
  it('stale-if-error: instead of a 503, within the window', async () => {
    const { reply } = await becomesStale('max-age=2, stale-if-error=60', { status: 503, headers: [] });
    expect([reply.status, reply.body]).toEqual([200, 'old']);
  });
  it('stale-if-error: not after it', async () => {
    const { reply } = await becomesStale('max-age=0, stale-if-error=1', { status: 500, headers: [] });
    expect(reply.status).toBe(500);
  });
  it('a 503 is passed on without it', async () => {
    const { reply } = await becomesStale('max-age=2', { status: 503, headers: [] });
    expect(reply.status).toBe(503);
  });
  it('stale-while-revalidate: at once, and asked in the background', async () => {
    const { world, reply } = await becomesStale('max-age=1, stale-while-revalidate=60', {
      headers: [...fresh, ['ETag', '"b"']],
      body: 'new',
    });
    expect(reply.body).toBe('old');
    await world.simulation.settle();
    expect(world.seen).toHaveLength(2);
    expect((await world.ask()).body).toBe('new');
  });
  it('stale-while-revalidate: not after the window', async () => {
    const { world, reply } = await becomesStale('max-age=1, stale-while-revalidate=1', {
      headers: fresh,
      body: 'new',
    });
    expect(reply.body).toBe('new');
    expect(world.seen).toHaveLength(2);
  });
  it.each(['must-revalidate', 'no-cache'])(
    '5.2.2: %s forbids what RFC 5861 would grant',
    async (directive) => {
      const control = `max-age=1, stale-while-revalidate=60, stale-if-error=60, ${directive}`;
      const { world, reply } = await becomesStale(control, { status: 503, headers: [] });
      expect(reply.status).toBe(503);
      expect(world.seen).toHaveLength(2);
    },
  );
  it('stale-if-error of a request', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [['Cache-Control', 'max-age=1']], body: 'old' }, { status: 500, headers: [] });
    world.script({ headers: [['ETag', '"a"']] });
    await world.ask();
    await world.wait(3);
    const reply = await world.ask({ headers: [['Cache-Control', 'stale-if-error=60']] });
    expect([reply.status, reply.body]).toEqual([200, 'old']);
  });
});
