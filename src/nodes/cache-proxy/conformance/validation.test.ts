/** Asking whether what is stored still holds, and answering those who ask (RFC 9111, section 4.3). */
import { describe, expect, it } from 'vitest';
import { CacheWorld } from '../testing/cache-world';
import { fresh, type Headers } from '../testing/reuse';

describe('validation (RFC 9111, section 4.3)', () => {
  const stale: Headers = [['Cache-Control', 'max-age=2']];

  it.each<[string, Headers]>([
    ['if-none-match', [['ETag', '"abcdef"']]],
    ['if-none-match', [['ETag', 'W/"abcdef"']]],
    ['if-modified-since', [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']]],
  ])('4.3.1: asks with %s, and the stored content answers', async (name, validator) => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ...validator, ['A', '1']], body: 'content' });
    world.script({ headers: [...stale, ...validator], validate: true });
    await world.ask({ headers: [['Abc', '123']] });
    await world.wait(3);
    const reply = await world.ask({ headers: [['Abc', '123']] });
    expect(reply).toMatchObject({ status: 200, body: 'content' });
    expect(reply.headers.get('a')).toBe('1');
    expect(world.seen[1]?.head.fields.get(name)).toBe(validator[0]?.[1]);
    expect(world.seen[1]?.head.fields.get('abc')).toBe('123');
    expect((await world.ask()).body).toBe('content');
    expect(world.seen).toHaveLength(2);
  });

  it('4.3.1: sends both validators, and none of the conditions and ranges of the client', async () => {
    const world = await CacheWorld.start();
    const validators: Headers = [
      ['ETag', '"a"'],
      ['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT'],
    ];
    world.script({ headers: [...stale, ...validators], body: '0123456789' });
    world.script({ headers: [...fresh, ...validators], validate: true });
    await world.ask();
    await world.wait(3);
    const reply = await world.ask({
      headers: [
        ['If-None-Match', '"other"'],
        ['Range', 'bytes=2-4'],
      ],
    });
    expect(reply).toMatchObject({ status: 206, body: '234' });
    const { fields } = world.seen[1]!.head;
    expect(fields.get('if-none-match')).toBe('"a"');
    expect(fields.get('if-modified-since')).toBe('Wed, 01 Jan 2020 00:00:00 GMT');
    expect(fields.has('range')).toBe(false);
  });

  it('4.1: asks with the fields that Vary names, and not about another variant', async () => {
    const world = await CacheWorld.start();
    const headers: Headers = [...stale, ['ETag', '"a"'], ['Vary', 'Abc']];
    world.script({ headers }, { headers, validate: true }, { headers: [...stale, ['ETag', '"b"']] });
    await world.ask({ headers: [['Abc', '1']] });
    await world.wait(3);
    await world.ask({ headers: [['Abc', '1']] });
    await world.ask({ headers: [['Abc', '2']] });
    expect(world.seen[1]?.head.fields.get('abc')).toBe('1');
    expect(world.seen[2]?.head.fields.has('if-none-match')).toBe(false);
  });

  it('3.2: a 304 replaces stored fields, but not Content-Length, and resets the age', async () => {
    const world = await CacheWorld.start();
    const tag: Headers = [['ETag', '"a"']];
    world.script({
      headers: [...stale, ...tag, ['Test', 'A'], ['Age', '1'], ['Kept', 'yes']],
      body: 'content',
    });
    world.script({
      headers: [['Cache-Control', 'max-age=3600'], ...tag, ['Test', 'B'], ['Content-Length', '10']],
      validate: true,
    });
    await world.ask();
    await world.wait(3);
    for (const reply of [await world.ask(), await world.ask()]) {
      expect(reply.headers.all('test')).toEqual(['B']);
      expect(reply.headers.get('kept')).toBe('yes');
      expect(reply.headers.get('content-length')).toBe('7');
      expect(Number(reply.headers.get('age') ?? 0)).toBeLessThan(1);
    }
    expect(world.seen).toHaveLength(2);
  });

  it.each<[string, string, string]>([
    ['Content-Encoding', 'a', 'b'],
    ['Content-MD5', 'rL0Y20zC+Fzt72VPzMSk2A==', 'N7UdGUp1E+RbVvZSTy1R8g=='],
    ['Content-Type', 'text/plain', 'text/plain;charset=utf-8'],
    ['Content-Location', '/a', '/b'],
    ['Set-Cookie', 'a=b', 'a=c'],
  ])('3.2: a 304 replaces %s, since content is stored as it came', async (name, before, after) => {
    const world = await CacheWorld.start();
    const tag: Headers = [['ETag', '"a"']];
    world.script({ headers: [...stale, ...tag, [name, before]] });
    world.script({ headers: [...stale, ...tag, [name, after]], validate: true });
    await world.ask();
    await world.wait(3);
    for (const reply of [await world.ask(), await world.ask()])
      expect(reply.headers.all(name.toLowerCase())).toEqual([after]);
    expect(world.seen).toHaveLength(2);
  });

  it('4.3.4: a 304 about another representation is not used', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ['ETag', '"a"']], body: 'old' });
    world.script({ status: 304, headers: [['ETag', '"b"']] }, { headers: fresh, body: 'new' });
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe('new');
    expect(world.seen[2]?.head.fields.has('if-none-match')).toBe(false);
  });

  it.each<[string, string, string | undefined, boolean]>([
    ['a weak tag that corresponds', 'W/"a"', 'W/"a"', true],
    ['another weak tag', 'W/"a"', 'W/"b"', false],
    ['a strong tag where a weak one is stored', 'W/"a"', '"a"', false],
    ['no validator at all', '"a"', undefined, true],
  ])('4.3.4: a 304 with %s', async (_what, before, after, holds) => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ['ETag', before]], body: 'old' });
    world.script({ status: 304, headers: after === undefined ? [] : [['ETag', after]] });
    world.script({ headers: fresh, body: 'new' });
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe(holds ? 'old' : 'new');
  });

  it.each<[string, Headers]>([
    ['forbids storing', [['Cache-Control', 'no-store']]],
    ['is for one user', [['Cache-Control', 'private, max-age=60']]],
    ['varies by another field', [...fresh, ['Vary', 'Foo']]],
  ])('3: after a 304 that %s the stored reply answers once more, and goes', async (_what, headers) => {
    const world = await CacheWorld.start();
    const tag: Headers = [['ETag', '"a"']];
    world.script({ headers: [...stale, ...tag], body: 'old' });
    world.script({ headers: [...headers, ...tag], validate: true }, { headers: fresh, body: 'new' });
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe('old');
    expect((await world.ask()).body).toBe('new');
    expect(world.seen[2]?.head.fields.has('if-none-match')).toBe(false);
  });

  it('4.3.4: a 304 with a strong tag renews every variant that has it', async () => {
    const world = await CacheWorld.start();
    const variant = (tag: string): Headers => [...stale, ['ETag', tag], ['Vary', 'Foo']];
    world.script({ headers: variant('"a"') }, { headers: variant('"a"') }, { headers: variant('"b"') });
    for (const foo of ['1', '2', '3']) await world.ask({ headers: [['Foo', foo]] });
    await world.wait(3);
    world.script({ headers: [...fresh, ['ETag', '"a"']], validate: true });
    await world.ask({ headers: [['Foo', '1']] });
    expect(world.seen).toHaveLength(4);
    await world.ask({ headers: [['Foo', '2']] });
    expect(world.seen).toHaveLength(4);
    await world.ask({ headers: [['Foo', '3']] });
    expect(world.seen).toHaveLength(5);
  });

  it('4.3.3: a full reply replaces what is stored', async () => {
    const world = await CacheWorld.start();
    world.script(
      { headers: [...stale, ['ETag', '"a"']], body: 'old' },
      { headers: [...fresh, ['ETag', '"b"']], body: 'new' },
    );
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe('new');
    expect((await world.ask()).body).toBe('new');
    expect(world.seen).toHaveLength(2);
  });

  describe('4.3.2: conditions of clients', () => {
    const both: Headers = [
      ['ETag', '"abcdef"'],
      ['Last-Modified', -5000],
    ];
    it.each<[string, Headers, Headers, number]>([
      ['a matching tag', both, [['If-None-Match', '"abcdef"']], 304],
      ['a weak tag', [['ETag', 'W/"abcdef"']], [['If-None-Match', 'W/"abcdef"']], 304],
      ['one of several tags', both, [['If-None-Match', '"1", "abcdef", "2"']], 304],
      ['the last of several', both, [['If-None-Match', '"1", "abcdef"']], 304],
      ['*', both, [['If-None-Match', '*']], 304],
      ['another tag', both, [['If-None-Match', '"other"']], 200],
      [
        'the tag comes before the date',
        both,
        [
          ['If-None-Match', '"other"'],
          ['If-Modified-Since', -1],
        ],
        200,
      ],
      ['the same date', [['Last-Modified', -3000]], [['If-Modified-Since', -3000]], 304],
      ['a later date', [['Last-Modified', -3000]], [['If-Modified-Since', -2000]], 304],
      ['an earlier date', [['Last-Modified', -3000]], [['If-Modified-Since', -4000]], 200],
      ['a date that is none (RFC 9110, section 13.1.3)', both, [['If-Modified-Since', 'yesterday']], 200],
      ['no Last-Modified: Date counts', [], [['If-Modified-Since', 5]], 304],
      ['no Last-Modified, and an earlier date than Date', [], [['If-Modified-Since', -3000]], 200],
    ])('%s', async (_rule, stored, asked, status) => {
      const world = await CacheWorld.start();
      world.script({ headers: [...fresh, ...stored] });
      await world.ask();
      const reply = await world.ask({ headers: asked });
      expect(reply.status).toBe(status);
      if (status === 304)
        expect(reply.headers.get('etag')).toBe(stored.find(([name]) => name === 'ETag')?.[1]);
      expect(world.seen).toHaveLength(1);
    });

    it('the 304 has what a cache needs to renew its copy (RFC 9110, section 15.4.5)', async () => {
      const world = await CacheWorld.start();
      const kept: Headers = [
        ['ETag', '"a"'],
        ['Expires', 'Fri, 01 Jan 2038 01:01:01 GMT'],
        ['Vary', 'Foo'],
        ['Content-Location', '/a'],
      ];
      world.script({ headers: [...fresh, ...kept, ['Content-Type', 'text/plain']] });
      await world.ask();
      const { headers, body } = await world.ask({ headers: [['If-None-Match', '"a"']] });
      for (const [name, value] of [...fresh, ...kept])
        expect(headers.get(name.toLowerCase()), name).toBe(value);
      expect(headers.has('date')).toBe(true);
      expect(headers.has('content-type')).toBe(false);
      expect(body).toBe('');
    });

    it.each(['If-Match', 'If-Unmodified-Since'])('%s is for the origin to tell', async (name) => {
      const world = await CacheWorld.start();
      const validators: Headers = [
        ['ETag', '"a"'],
        ['Last-Modified', -100],
      ];
      world.script({ headers: [...fresh, ...validators] }, { status: 412, headers: [] });
      await world.ask();
      const condition: Headers = [[name, name === 'If-Match' ? '"b"' : -200]];
      expect((await world.ask({ headers: condition })).status).toBe(412);
      expect(world.seen[1]?.head.fields.has(name.toLowerCase())).toBe(true);
    });

    it('they do not matter to what is no 2xx (RFC 9110, section 13.2.1)', async () => {
      const world = await CacheWorld.start();
      world.script({ status: 404, headers: [...fresh, ['ETag', '"a"']] });
      await world.ask();
      expect((await world.ask({ headers: [['If-None-Match', '"a"']] })).status).toBe(404);
      expect(world.seen).toHaveLength(1);
    });

    it('a stale reply is validated first, and then the client gets its 304', async () => {
      const world = await CacheWorld.start();
      const lm: Headers = [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']];
      world.script({ headers: [...stale, ...lm] }, { headers: [...stale, ...lm], validate: true });
      await world.ask();
      await world.wait(3);
      const reply = await world.ask({
        headers: [['If-Modified-Since', 'Wednesday, 01-Jan-20 00:00:00 GMT']],
      });
      expect(reply.status).toBe(304);
      expect(world.seen).toHaveLength(2);
    });

    it('with nothing stored they are passed on', async () => {
      const world = await CacheWorld.start();
      world.script({ status: 304, headers: [] });
      expect((await world.ask({ headers: [['If-None-Match', '"x"']] })).status).toBe(304);
      expect(world.seen[0]?.head.fields.get('if-none-match')).toBe('"x"');
    });
  });

  it('4.3.5: a HEAD renews what is stored', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ['ETag', '"a"'], ['Test', 'A']], body: 'content' });
    world.script({ headers: [...fresh, ['ETag', '"a"'], ['Test', 'B'], ['Content-Length', '7']] });
    await world.ask();
    await world.wait(3);
    expect((await world.ask({ method: 'HEAD' })).status).toBe(200);
    const reply = await world.ask();
    expect([reply.body, reply.headers.get('test')]).toEqual(['content', 'B']);
    expect(world.seen.map(({ head }) => head.method)).toEqual(['GET', 'HEAD']);
  });

  it.each<[string, Headers]>([
    ['ETag', [['ETag', '"b"']]],
    ['Last-Modified', [['Last-Modified', -5]]],
    ['Content-Length', [['Content-Length', '8']]],
  ])('4.3.5: a HEAD with another %s shows that it no longer holds', async (_name, headers) => {
    const world = await CacheWorld.start();
    const validators: Headers = [
      ['ETag', '"a"'],
      ['Last-Modified', -100],
    ];
    world.script({ headers: [...stale, ...validators], body: 'content' });
    world.script({ headers: [...fresh, ...headers] }, { headers: fresh, body: 'changed' });
    await world.ask();
    await world.wait(3);
    await world.ask({ method: 'HEAD' });
    expect((await world.ask()).body).toBe('changed');
    expect(world.seen[2]?.head.fields.has('if-none-match')).toBe(false);
  });

  it('a HEAD is answered from a stored GET', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: fresh, body: 'content' });
    await world.ask();
    const reply = await world.ask({ method: 'HEAD' });
    expect([reply.status, reply.headers.get('content-length'), reply.body]).toEqual([200, '7', '']);
    expect(world.seen).toHaveLength(1);
  });
});
