/** Which stored reply a request selects (RFC 9111, section 4.1). */
import { describe, expect, it } from 'vitest';
import { type Ask, CacheWorld, type Reply, type Script } from '../testing/cache-world';
import { fresh, type Headers, reused } from '../testing/reuse';

describe('Vary (RFC 9111, section 4.1)', () => {
  const vary = (names: string, more: Headers = []): Script => ({
    headers: [...fresh, ['Vary', names], ...more],
  });
  it.each<[string, string, Headers, Headers, boolean]>([
    ['the same value', 'Foo', [['Foo', '1']], [['Foo', '1']], true],
    ['another value', 'Foo', [['Foo', '1']], [['Foo', '2']], false],
    ['absent now', 'Foo', [['Foo', '1']], [], false],
    ['absent then', 'Foo', [], [['Foo', '1']], false],
    ['absent both times', 'Foo, Bar', [['Foo', '1']], [['Foo', '1']], true],
    [
      'other fields do not count',
      'Foo',
      [
        ['Foo', '1'],
        ['Other', '2'],
      ],
      [
        ['Foo', '1'],
        ['Other', '3'],
      ],
      true,
    ],
    [
      'one of three differs',
      'Foo, Bar, Baz',
      [
        ['Foo', '1'],
        ['Bar', 'a'],
        ['Baz', '7'],
      ],
      [
        ['Foo', '1'],
        ['Baz', '7'],
        ['Bar', 'b'],
      ],
      false,
    ],
    [
      'three match in any order',
      'Foo, Bar, Baz',
      [
        ['Foo', '1'],
        ['Bar', 'a'],
        ['Baz', '7'],
      ],
      [
        ['Baz', '7'],
        ['Bar', 'a'],
        ['Foo', '1'],
      ],
      true,
    ],
    [
      'lines are combined',
      'Foo',
      [['Foo', '1, 2']],
      [
        ['Foo', '1'],
        ['Foo', '2'],
      ],
      true,
    ],
    ['whitespace is normalised', 'Foo', [['Foo', '1,2']], [['Foo', ' 1, 2 ']], true],
    [
      'languages in any order',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', 'de, en']],
      true,
    ],
    [
      'languages in any case',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', 'eN, De']],
      true,
    ],
    [
      'languages with spaces',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', ' en ,   de']],
      true,
    ],
    ['*, *', '*, *', [], [], false],
    ['an empty member and *', ', *', [], [], false],
    ['* before a name', '*, Foo', [['Foo', '1']], [['Foo', '1']], false],
    ['* after a name', 'Foo, *', [['Foo', '1']], [['Foo', '1']], false],
  ])('%s', async (_rule, names, first, second, expected) => {
    expect(await reused(vary(names), { headers: second }, { ask: { headers: first } })).toBe(expected);
  });

  it('the language that is preferred to all others', async () => {
    const script = vary('Accept-Language', [['Content-Language', 'de']]);
    const first: Ask = { headers: [['Accept-Language', 'en, de']] };
    expect(
      await reused(script, { headers: [['Accept-Language', 'fr;q=0.5, de;q=1.0']] }, { ask: first }),
    ).toBe(true);
    expect(await reused(script, { headers: [['Accept-Language', 'fr, de;q=0.5']] }, { ask: first })).toBe(
      false,
    );
  });

  it('keeps several variants', async () => {
    const world = await CacheWorld.start();
    world.script({ ...vary('Foo'), body: 'one' }, { ...vary('Foo'), body: 'two' });
    await world.ask({ headers: [['Foo', '1']] });
    await world.ask({ headers: [['Foo', '2']] });
    expect((await world.ask({ headers: [['Foo', '1']] })).body).toBe('one');
    expect((await world.ask({ headers: [['Foo', '2']] })).body).toBe('two');
    expect(world.seen).toHaveLength(2);
  });

  it('4: of several that match the most recent by Date answers, whichever came last', async () => {
    const world = await CacheWorld.start();
    world.script({ ...vary('Foo', [['Date', -5]]), body: 'newer' });
    world.script({ ...vary('Bar', [['Date', -60]]), body: 'older' });
    const ask = (foo: string, bar: string): Promise<Reply> =>
      world.ask({
        headers: [
          ['Foo', foo],
          ['Bar', bar],
        ],
      });
    await ask('1', '1');
    expect((await ask('2', '2')).body).toBe('older');
    expect((await ask('1', '2')).body).toBe('newer');
    expect((await ask('3', '2')).body).toBe('older');
    expect(world.seen).toHaveLength(2);
  });

  it('one with Vary before a more recent one without', async () => {
    const world = await CacheWorld.start();
    world.script({ ...vary('Foo', [['Date', -60]]), body: 'for 1' }, { headers: fresh, body: 'default' });
    await world.ask({ headers: [['Foo', '1']] });
    expect((await world.ask({ headers: [['Foo', '2']] })).body).toBe('default');
    expect((await world.ask({ headers: [['Foo', '1']] })).body).toBe('for 1');
    expect((await world.ask({ headers: [['Foo', '3']] })).body).toBe('default');
    expect(world.seen).toHaveLength(2);
  });

  it('4.1: those who wait for the validation of another variant are answered with their own', async () => {
    const world = await CacheWorld.start();
    const variant = (foo: string): Script => ({
      headers: [
        ['Cache-Control', 'max-age=1'],
        ['Vary', 'Foo'],
        ['ETag', `"${foo}"`],
      ],
      body: `for ${foo}`,
      validate: true,
      delayMs: 500,
    });
    for (const end of ['validated', 'failed']) {
      world.script(variant('1'), variant('2'));
      for (const foo of ['1', '2']) await world.ask({ path: `/${end}`, headers: [['Foo', foo]] });
      await world.wait(3);
      if (end === 'validated') world.script(variant('1'), variant('2'));
      else world.fallback = { disconnect: true, delayMs: 500 };
      const both = ['1', '2'].map((foo) => world.begin({ path: `/${end}`, headers: [['Foo', foo]] }));
      await world.wait(3);
      expect((await Promise.all(both)).map(({ body }) => body)).toEqual(['for 1', 'for 2']);
    }
  });
});
