/** Parts of representations: stored, combined, completed, and made of what is whole (RFC 9111, sections 3.3 and 3.4). */
import { describe, expect, it } from 'vitest';
import { CacheWorld, type Reply, type Script } from '../testing/cache-world';
import { fresh, type Headers } from '../testing/reuse';

describe('parts (RFC 9111, sections 3.3 and 3.4; RFC 9110, section 14)', () => {
  const whole: Script = { headers: [...fresh, ['ETag', '"a"'], ['A', '1']], body: '0123456789A' };
  it.each<[string, string, string]>([
    ['bytes=0-1', '01', 'bytes 0-1/11'],
    ['bytes=1-', '123456789A', 'bytes 1-10/11'],
    ['bytes=-1', 'A', 'bytes 10-10/11'],
  ])('%s of a whole reply', async (range, body, contentRange) => {
    const world = await CacheWorld.start();
    world.script(whole);
    await world.ask();
    const reply = await world.ask({ headers: [['Range', range]] });
    expect([reply.status, reply.body, reply.headers.get('content-range')]).toEqual([206, body, contentRange]);
    expect(reply.headers.get('a')).toBe('1');
    expect(world.seen).toHaveLength(1);
  });
  it('several ranges, none that exists, and If-Range', async () => {
    const world = await CacheWorld.start();
    world.script(whole);
    await world.ask();
    const many = await world.ask({ headers: [['Range', 'bytes=0-1, 5-6']] });
    expect(many.headers.get('content-type')).toMatch(/^multipart\/byteranges; boundary=/);
    expect(many.body).toMatch(/bytes 0-1\/11\r\n\r\n01\r\n.*bytes 5-6\/11\r\n\r\n56\r\n--/s);
    expect((await world.ask({ headers: [['Range', 'bytes=99-']] })).status).toBe(416);
    expect(
      (
        await world.ask({
          headers: [
            ['Range', 'bytes=0-1'],
            ['If-Range', '"b"'],
          ],
        })
      ).status,
    ).toBe(200);
    expect(
      (
        await world.ask({
          headers: [
            ['Range', 'bytes=0-1'],
            ['If-Range', '"a"'],
          ],
        })
      ).status,
    ).toBe(206);
    expect(world.seen).toHaveLength(1);
  });
  it('a whole in crumbs is not kept in ever more of them, and each is answered', async () => {
    const world = await CacheWorld.start();
    world.fallback = ({ fields }) => {
      const at = /\d+/.exec(fields.first('range') ?? '')?.[0];
      const headers: Headers = [...fresh, ['ETag', '"a"'], ['Content-Range', `bytes ${at}-${at}/1000`]];
      return { status: 206, headers, body: 'x' };
    };
    for (let at = 0; at < 200; at += 2)
      expect(await world.ask({ headers: [['Range', `bytes=${at}-${at}`]] })).toMatchObject({ body: 'x' });
    expect(world.operate('contents', {})).toMatchObject({ rows: [{ partial: true, size: 64 }] });
  });
  const part: Script = {
    status: 206,
    headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 5-9/10']],
    body: '56789',
  };
  it.each<[string, string]>([
    ['bytes=-5', '56789'],
    ['bytes=6-8', '678'],
    ['bytes=6-', '6789'],
    ['bytes=-1', '9'],
  ])('%s of a stored part', async (range, body) => {
    const world = await CacheWorld.start();
    world.script(part);
    expect((await world.ask({ headers: [['Range', 'bytes=-5']] })).body).toBe('56789');
    const reply = await world.ask({ headers: [['Range', range]] });
    expect([reply.status, reply.body]).toEqual([206, body]);
    expect(world.seen).toHaveLength(1);
  });
  it('the missing rest is fetched, and the whole is stored', async () => {
    const world = await CacheWorld.start();
    world.script(
      { ...part, headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/10']], body: '01234' },
      part,
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    const reply = await world.ask();
    expect([reply.status, reply.body, reply.headers.get('content-range')]).toEqual([
      200,
      '0123456789',
      undefined,
    ]);
    expect(world.seen[1]?.head.fields.get('range')).toBe('bytes=5-');
    expect(world.seen[1]?.head.fields.get('if-range')).toBe('"a"');
    expect((await world.ask()).body).toBe('0123456789');
    expect(world.seen).toHaveLength(2);
  });
  it('3.3: short content answers only what is wholly within it', async () => {
    const world = await CacheWorld.start();
    const short: Script = { ...part, body: '567' };
    world.script(short, part);
    await world.ask({ headers: [['Range', 'bytes=-5']] });
    expect((await world.ask({ headers: [['Range', 'bytes=6-7']] })).body).toBe('67');
    expect(world.seen).toHaveLength(1);
    await world.ask({ headers: [['Range', 'bytes=-1']] });
    expect(world.seen[1]?.head.fields.get('range')).toBe('bytes=-1');
  });
  it('3.4: without a strong validator the rest is not asked for on its own', async () => {
    const world = await CacheWorld.start();
    world.script(
      { status: 206, headers: [...fresh, ['Content-Range', 'bytes 0-4/10']], body: '01234' },
      { headers: fresh, body: '0123456789' },
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask()).body).toBe('0123456789');
    expect(world.seen[1]?.head.fields.has('range')).toBe(false);
  });
  const first: Script = {
    status: 206,
    headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/10']],
    body: '01234',
  };
  it.each<[string, Script]>([
    [
      'fewer bytes',
      {
        ...part,
        headers: [
          ['ETag', '"a"'],
          ['Content-Range', 'bytes 5-7/10'],
        ],
        body: '567',
      },
    ],
    ['less content than it says', { ...part, body: '567' }],
    ['more content than it says', { ...part, body: '56789ABC' }],
    ['content of unknown length', { ...part, trailers: [['A', '1']] }],
    [
      'another representation',
      {
        ...part,
        headers: [
          ['ETag', '"b"'],
          ['Content-Range', 'bytes 5-9/10'],
        ],
      },
    ],
    ['no validator', { ...part, headers: [['Content-Range', 'bytes 5-9/10']] }],
    ['416', { status: 416, headers: [['Content-Range', 'bytes */3']], body: '' }],
    ['no Content-Range', { ...part, headers: [['ETag', '"a"']] }],
  ])('3.4: %s for the rest: the whole is asked for, once', async (_what, rest) => {
    const world = await CacheWorld.start();
    world.script(first, rest, { headers: fresh, body: 'the whole' });
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    const reply = await world.ask();
    expect([reply.status, reply.body]).toEqual([200, 'the whole']);
    expect(world.seen).toHaveLength(3);
    expect(world.seen[2]?.head.fields.has('range')).toBe(false);
  });
  it('the rest of what is too large for the memory is not gathered there', async () => {
    const world = await CacheWorld.start();
    const huge: Headers = [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/99999999999']];
    world.script({ ...first, headers: huge }, { headers: fresh, body: 'the whole' });
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask()).body).toBe('the whole');
    expect(world.seen[1]?.head.fields.has('range')).toBe(false);
  });
  it('content longer than its Content-Range is not kept (RFC 9110, section 14.4)', async () => {
    const world = await CacheWorld.start();
    world.script({ ...first, body: '0123456789' }, first);
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask({ headers: [['Range', 'bytes=0-4']] })).body).toBe('01234');
    expect(world.seen).toHaveLength(2);
  });
  it('parts of different representations are not combined', async () => {
    const world = await CacheWorld.start();
    world.script(
      { ...part, headers: [...fresh, ['ETag', '"x"'], ['Content-Range', 'bytes 0-4/10']], body: 'xxxxx' },
      part,
      { headers: fresh, body: 'whole' },
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    await world.ask({ headers: [['Range', 'bytes=5-9']] });
    expect((await world.ask()).body).toBe('whole');
  });
  it('another range unit is not understood, and not kept', async () => {
    const world = await CacheWorld.start();
    world.script(
      { ...first, headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'pages 0-4/10']] },
      first,
    );
    await world.ask({ headers: [['Range', 'pages=0-4']] });
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect(world.seen).toHaveLength(2);
  });

  describe('what arrives while it is purged is not kept', () => {
    const head = (range: string): string =>
      `HTTP/1.1 206 Part\r\nCache-Control: max-age=3600\r\nETag: "a"\r\nContent-Range: bytes ${range}/10\r\nContent-Length: 5\r\n\r\n`;
    it('a part', async () => {
      const world = await CacheWorld.start();
      world.script({ raw: [Buffer.from(`${head('0-4')}012`), Buffer.from('34')] }, first);
      const reply = world.begin({ headers: [['Range', 'bytes=0-4']] });
      await world.wait(0.05);
      world.operate('purge', { by: 'url', value: 'http://cache.example/' });
      await world.wait(1);
      expect((await reply).body).toBe('01234');
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      expect(world.seen).toHaveLength(2);
    });
    it('the rest', async () => {
      const world = await CacheWorld.start();
      world.script(first, { raw: [Buffer.from(`${head('5-9')}567`), Buffer.from('89')] });
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      const reply = world.begin({});
      await world.wait(0.05);
      world.operate('purge', { by: 'url', value: 'http://cache.example/' });
      await world.wait(1);
      expect(await reply).toMatchObject({ status: 200, body: '0123456789' });
      await world.ask();
      expect(world.seen).toHaveLength(3);
    });
    it('nor is the whole, when the rest says no-store', async () => {
      const world = await CacheWorld.start();
      const rest: Headers = [
        ['Cache-Control', 'no-store, max-age=60'],
        ['ETag', '"a"'],
        ['Content-Range', 'bytes 5-9/10'],
      ];
      world.script(first, { ...part, headers: rest });
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      expect((await world.ask()).body).toBe('0123456789');
      await world.ask();
      expect(world.seen).toHaveLength(3);
    });
  });

  describe('3.4: combining', () => {
    const at = (range: string, body: string, validator: Headers): Script => ({
      status: 206,
      headers: [...fresh, ...validator, ['Content-Range', `bytes ${range}/10`]],
      body,
    });
    const combine = async (validator: Headers, more: Headers = []): Promise<[CacheWorld, Reply]> => {
      const world = await CacheWorld.start();
      world.script(at('0-4', '01234', [...validator, ...more]), at('5-9', '56789', validator), {
        headers: [...fresh, ...validator],
        body: 'the whole',
      });
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      await world.ask({ headers: [['Range', 'bytes=5-9']] });
      return [world, await world.ask()];
    };
    const old: Headers = [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']];
    it.each<[string, Headers, boolean]>([
      ['the same strong tag', [['ETag', '"a"']], true],
      ['the same Last-Modified, long before Date', old, true],
      ['a weak tag', [['ETag', 'W/"a"']], false],
      ['a weak tag besides the Last-Modified', [['ETag', 'W/"a"'], ...old], false],
      ['Last-Modified of just now', [['Last-Modified', -5]], false],
      ['no validator', [], false],
    ])('by %s', async (_what, validator, combined) => {
      const [world, reply] = await combine(validator);
      expect(reply.body).toBe(combined ? '0123456789' : 'the whole');
      expect(world.seen).toHaveLength(combined ? 2 : 3);
    });
    it('the newer fields replace the stored ones, and those that it does not have stay', async () => {
      const [, { headers }] = await combine(
        [['ETag', '"a"']],
        [
          ['Cache-Control', 'x=1'],
          ['Content-Type', 'text/plain'],
        ],
      );
      expect(headers.all('cache-control')).toEqual(['max-age=3600']);
      expect(headers.get('content-type')).toBe('text/plain');
      expect(headers.get('content-length')).toBe('10');
      expect(headers.has('content-range')).toBe(false);
    });
    it('the rest is asked for with If-Range by such a Last-Modified', async () => {
      const world = await CacheWorld.start();
      world.script(at('0-4', '01234', old), at('5-9', '56789', old));
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      await world.wait(100);
      const reply = await world.ask();
      expect(reply).toMatchObject({ status: 200, body: '0123456789' });
      expect(world.seen[1]?.head.fields.get('if-range')).toBe(old[0]?.[1]);
    });
    it('the age of the parts is that of the newest', async () => {
      const world = await CacheWorld.start();
      const tag: Headers = [['ETag', '"a"']];
      world.script(at('0-4', '01234', tag), { ...at('5-9', '56789', [...tag, ['Age', '7']]) });
      await world.ask({ headers: [['Range', 'bytes=0-4']] });
      await world.wait(100);
      await world.ask({ headers: [['Range', 'bytes=5-9']] });
      await world.wait(3);
      expect((await world.ask()).headers.get('age')).toBe('10');
    });
  });
});
