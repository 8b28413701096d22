/** Dates, ranges, tags, conditions, lists and structured fields (RFC 9110, RFC 9651). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multipartByteranges } from './byteranges';
import { PartialContent } from './cache/partial';
import { variantKey } from './cache/vary';
import { evaluateConditions, ifRangeHolds } from './conditional';
import { formatHttpDate, parseHttpDate } from './date';
import { wantedDigest } from './digest';
import { parseTagList } from './etag';
import { Fields } from './fields';
import { parseContentRange, selectRanges } from './range';
import { formatString, parseDictionary, Token } from './structured-field';
import { listMembers } from './syntax';
import { parseHttpUri, removeDotSegments, resolveReference } from './target';

const NOW = Date.UTC(2026, 10, 21);

describe('dates (section 5.6.7)', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(parseHttpDate(formatHttpDate(seconds * 1000), NOW)).toBe(seconds * 1000);
      }),
    );
  });
  it('read the two obsolete forms, with the century of RFC 850 by the clock', () => {
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', NOW)).toBe(784_111_777_000);
    expect(parseHttpDate('Sun Nov  6 08:49:37 1994', NOW)).toBe(784_111_777_000);
    expect(parseHttpDate('Thursday, 18-Aug-77 02:01:18 GMT', NOW)).toBe(Date.UTC(1977, 7, 18, 2, 1, 18));
    expect(parseHttpDate('Thursday, 18-Aug-76 02:01:18 GMT', NOW)).toBe(Date.UTC(2076, 7, 18, 2, 1, 18));
  });
  it.each([
    '',
    'now',
    'Sun, 31 Feb 2026 00:00:00 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
  ])('refuse %j', (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });
});

describe('ranges (section 14)', () => {
  it('select what they say, merged where they touch', () => {
    const spec = fc.oneof(
      fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.nat(30).map((first) => `${first}-`),
      fc.integer({ min: 1, max: 30 }).map((suffix) => `-${suffix}`),
    );
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), fc.nat(25), (specs, size) => {
        const wanted = new Set<number>();
        for (const each of specs) {
          const [first, last] = each.split('-') as [string, string];
          const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
          const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last));
          for (let at = start; at <= end; at++) wanted.add(at);
        }
        const selected = selectRanges(`bytes=${specs.join(',')}`, size);
        if (selected === 'unsatisfiable' || selected === null) {
          expect([selected, wanted.size]).toEqual(['unsatisfiable', 0]);
          return;
        }
        const bytes = selected.flatMap(({ start, end }) =>
          Array.from({ length: end - start }, (_, at) => start + at),
        );
        expect([...bytes].sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b));
      }),
    );
  });
  it.each(['lines=0-1', 'bytes=', 'bytes=a-b', 'bytes=5-1', 'bytes=-', `bytes=${'0-0,'.repeat(40)}`])(
    'ignore %j',
    (value) => {
      expect(selectRanges(value, 10)).toBeNull();
    },
  );
  it('read Content-Range, and refuse what contradicts itself', () => {
    expect(parseContentRange('bytes 0-4/10')).toEqual({ start: 0, end: 5, size: 10 });
    expect(parseContentRange('bytes 0-4/*')).toEqual({ start: 0, end: 5, size: null });
    for (const bad of ['bytes 4-0/10', 'bytes 0-10/10', 'bytes */10', 'x 0-1/2'])
      expect(parseContentRange(bad)).toBeNull();
  });
  it('say the length of a multipart reply to the byte', () => {
    const { parts, end, length } = multipartByteranges(
      [
        { start: 0, end: 2 },
        { start: 5, end: 9 },
      ],
      10,
      'text/plain',
      'b',
    );
    const whole = parts.map(({ head, range }) => head + 'x'.repeat(range.end - range.start)).join('') + end;
    expect(whole.length).toBe(length);
  });
});

describe('stored parts (RFC 9111, section 3.4)', () => {
  it('hold exactly what was put in, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 20 })), { maxLength: 12 }),
        (runs) => {
          const content = Uint8Array.from({ length: 60 }, (_, at) => at);
          const partial = new PartialContent(60);
          const held = new Set<number>();
          for (const [start, length] of runs) {
            partial.add(start, content.subarray(start, start + length));
            for (let at = start; at < start + length; at++) held.add(at);
          }
          expect(partial.held).toBe(held.size);
          for (let start = 0; start < 60; start += 3) {
            for (const end of [start + 1, start + 7]) {
              const all = Array.from({ length: end - start }, (_, at) => start + at).every((at) =>
                held.has(at),
              );
              expect(partial.slice({ start, end })).toEqual(all ? content.subarray(start, end) : null);
            }
          }
        },
      ),
    );
  });
});

describe('preconditions, in their order (section 13.2.2)', () => {
  const validators = { etag: '"a"', lastModified: Date.UTC(2020, 0, 1), exists: true };
  const [then, before, after] = [2020, 2019, 2021].map((year) => formatHttpDate(Date.UTC(year, 0, 1))) as [
    string,
    string,
    string,
  ];
  it.each<[string, [string, string][], string]>([
    ['GET', [], 'proceed'],
    ['GET', [['If-Match', '"a"']], 'proceed'],
    ['GET', [['If-Match', 'W/"a"']], 'failed'],
    [
      'GET',
      [
        ['If-Match', '"b"'],
        ['If-None-Match', '"a"'],
      ],
      'failed',
    ],
    [
      'GET',
      [
        ['If-Match', '*'],
        ['If-Unmodified-Since', before],
      ],
      'proceed',
    ],
    ['GET', [['If-Unmodified-Since', before]], 'failed'],
    ['GET', [['If-Unmodified-Since', then]], 'proceed'],
    ['GET', [['If-None-Match', 'W/"a"']], 'not-modified'],
    ['PUT', [['If-None-Match', '*']], 'failed'],
    [
      'GET',
      [
        ['If-None-Match', '"b"'],
        ['If-Modified-Since', after],
      ],
      'proceed',
    ],
    ['GET', [['If-Modified-Since', then]], 'not-modified'],
    ['GET', [['If-Modified-Since', before]], 'proceed'],
    ['PUT', [['If-Modified-Since', after]], 'proceed'],
    ['GET', [['If-Modified-Since', 'nonsense']], 'proceed'],
  ])('%s with %j: %s', (method, fields, outcome) => {
    expect(evaluateConditions(method, Fields.of(...fields), validators, NOW)).toBe(outcome);
  });
  it('If-Range needs a strong match', () => {
    const holds = (value: string): boolean =>
      ifRangeHolds(Fields.of(['If-Range', value]), validators, NOW, NOW);
    expect([holds('"a"'), holds('W/"a"'), holds('"b"'), holds(then), holds(after)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});

describe('lists, tags and structured fields', () => {
  it('do not split inside of quotes', () => {
    expect(listMembers('a, "b, c" ,, d="e\\", f"')).toEqual(['a', '"b, c"', 'd="e\\", f"']);
    expect(parseTagList('"a,b", W/"c" , nonsense')).toEqual(['"a,b"', 'W/"c"']);
  });
  it('dictionaries', () => {
    const parsed = parseDictionary('a=1, b, c=?0, d="x\\"y", e=tok/en, f=(1 "2");p=3, a=2, g=-1.5, h=:aGk=:');
    expect(parsed?.get('a')?.value).toBe(2);
    expect(parsed?.get('b')?.value).toBe(true);
    expect(parsed?.get('d')?.value).toBe('x"y');
    expect(parsed?.get('e')?.value).toEqual(new Token('tok/en'));
    expect(parsed?.get('f')?.parameters.get('p')).toBe(3);
    expect(parsed?.get('g')?.value).toBe(-1.5);
    expect(Buffer.from(parsed?.get('h')?.value as Uint8Array).toString()).toBe('hi');
  });
  it.each(['A=1', 'a=', 'a=1,', 'a==1', 'a="x', 'a=1234567890123456', 'a=(1', '&', 'a=1.2345', 'a=1 b'])(
    'refuse %j whole',
    (text) => {
      expect(parseDictionary(text)).toBeNull();
    },
  );
  it('strings come back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(parseDictionary(`a=${formatString(text)}`)?.get('a')?.value).toBe(text);
      }),
    );
  });
  it('the digest that is wanted most', () => {
    expect(
      wantedDigest(Fields.of(['Want-Repr-Digest', 'sha-256=1, sha-512=5, md5=10']), 'want-repr-digest')?.hash,
    ).toBe('sha512');
    expect(wantedDigest(Fields.of(['Want-Repr-Digest', 'sha-256=0']), 'want-repr-digest')).toBeNull();
  });
});

describe('references (RFC 3986, section 5)', () => {
  it.each([
    ['b', '/x/b'],
    ['/b?c', '/b?c'],
    ['../b', '/b'],
    ['./', '/x/'],
    ['?q', '/x/a?q'],
    ['', '/x/a'],
    ['//other/c', 'other /c'],
    ['http://other:81/c#d', 'other:81 /c'],
  ])('%j', (reference, expected) => {
    const base = parseHttpUri('http://host/x/a') as { authority: string; path: string };
    const uri = resolveReference(base, reference);
    expect(uri?.authority === 'host' ? uri.path : `${uri?.authority} ${uri?.path}`).toBe(expected);
  });
  it('never climb above the root', () => {
    expect(removeDotSegments('/../../a/./b/../c')).toBe('/a/c');
    expect(resolveReference({ authority: 'a', path: '/' }, 'ftp://x/')).toBeNull();
  });
});

describe('keys of variants (RFC 9111, section 4.1)', () => {
  const key = (accept: string): string => variantKey(['accept'], Fields.of(['Accept', accept]));
  it('are the same whatever spaces there are around a weight', () => {
    expect(key('b \t; \tq=1,a')).toBe(key('A, b;q=1'));
  });
  it('are made in one pass over the value: many spaces are no work', () => {
    expect(key(`a${' '.repeat(300_000)}b;c`)).toMatch(/b;c$/);
  });
});
