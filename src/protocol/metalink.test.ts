import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describedBy,
  duplicatesIn,
  formatDuplicateLinks,
  formatMetalink,
  hashNames,
  type MetalinkFile,
  parseDigestField,
  parseLinkField,
  parseMetalink,
} from './metalink';
import { parseXml, XmlError } from './xml';

/** The example of RFC 5854, section 1.1, shortened. */
const example = `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <published>2009-05-15T12:23:23Z</published>
  <file name="example.ext">
    <size>14471447</size>
    <hash type="sha-256">3d6fece8033d146d8611eab4f032df738c8c1283620fd02a1f2bfec6e27d590d</hash>
    <url location="de" priority="2">ftp://ftp.example.com/example.ext</url>
    <url location="fr" priority="1">http://example.com/example.ext</url>
    <metaurl mediatype="torrent" priority="2">http://example.com/example.ext.torrent</metaurl>
  </file>
</metalink>`;

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const url = fc.record({
  url: fc.webUrl({ withQueryParameters: true }),
  priority: fc.integer({ min: 1, max: 999_999 }),
});
const file: fc.Arbitrary<MetalinkFile> = fc.record({
  name: fc.stringMatching(/^[a-z][a-zA-Z0-9 ._<>&"'-]{0,20}$/),
  size: fc.option(fc.maxSafeNat()),
  hashes: fc.record({ 'sha-256': hex(64), md5: hex(32) }, { requiredKeys: [] }),
  pieces: fc.option(
    fc.record({
      hash: fc.constant('sha-256' as const),
      length: fc.integer({ min: 1 }),
      hex: fc.array(hex(64), { minLength: 1, maxLength: 4 }),
    }),
  ),
  urls: fc.array(url, { maxLength: 4 }).map((urls) => urls.sort((a, b) => a.priority - b.priority)),
});

describe('Metalink 4', () => {
  it('reads the example of the RFC', () => {
    expect(parseMetalink(example)).toEqual([
      {
        name: 'example.ext',
        size: 14471447,
        hashes: { 'sha-256': '3d6fece8033d146d8611eab4f032df738c8c1283620fd02a1f2bfec6e27d590d' },
        pieces: null,
        urls: [
          { url: 'http://example.com/example.ext', priority: 1, location: 'fr' },
          { url: 'ftp://ftp.example.com/example.ext', priority: 2, location: 'de' },
        ],
      },
    ]);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 3 }), (files) => {
        expect(parseMetalink(formatMetalink(files))).toEqual(files);
      }),
    );
  });

  it('refuses names that lead elsewhere', () => {
    for (const name of ['../evil', '/etc/passwd', 'a/../../b', '', 'a\\b'])
      expect(() => parseMetalink(`<metalink><file name="${name}"/></metalink>`)).toThrow(XmlError);
  });

  it('leaves out hashes that cannot be right', () => {
    const [read] = parseMetalink(
      '<metalink><file name="a"><hash type="sha-256">abc</hash><hash type="crc">00</hash><size>x</size></file></metalink>',
    );
    expect(read).toMatchObject({ hashes: {}, size: null });
  });

  it('ends in a document or an error, whatever the text', () => {
    const words = fc.constantFrom(
      '<metalink>',
      '</metalink>',
      '<file name="a">',
      '</file>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&amp;',
      '&#0;',
      '<?',
      '?>',
      '"',
      ' ',
      'x',
      "<a b='c'/>",
    );
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        try {
          parseMetalink(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(XmlError);
        }
      }),
    );
  });

  it('is not made to expand, nor to recurse without end', () => {
    expect(() => parseXml('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>')).toThrow(XmlError);
    expect(() => parseXml('<a>&b;</a>')).toThrow(XmlError);
    expect(() => parseXml('<a>'.repeat(100_000))).toThrow(XmlError);
  });
});

describe('Metalink in HTTP fields', () => {
  it('reads the example of RFC 6249', () => {
    const links = parseLinkField(
      '<http://www2.example.com/example.ext>; rel=duplicate; pri=1; pref, <ftp://ftp.example.com/a,b>; rel="duplicate"; geo="gb", <http://example.com/example.ext.meta4>; rel=describedby; type="application/metalink4+xml"',
    );
    expect(duplicatesIn(links)).toEqual([
      { url: 'http://www2.example.com/example.ext', priority: 1 },
      { url: 'ftp://ftp.example.com/a,b', priority: 999_999, location: 'gb' },
    ]);
    expect(describedBy(links)).toBe('http://example.com/example.ext.meta4');
    expect(describedBy([])).toBeNull();
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(url, { maxLength: 5 }), (urls) => {
        const plain = urls.filter(({ url }) => !/[<>]/.test(url)).sort((a, b) => a.priority - b.priority);
        expect(duplicatesIn(parseLinkField(formatDuplicateLinks(plain, '/x.meta4').join(', ')))).toEqual(
          plain,
        );
      }),
    );
  });

  it('takes the strongest digest of both fields', () => {
    const sha256 = Buffer.alloc(32, 7);
    const md5 = Buffer.alloc(16, 1);
    const expected = { hash: 'sha-256', hex: sha256.toString('hex') };
    expect(parseDigestField(`md5=${md5.toString('base64')},SHA-256=${sha256.toString('base64')}`)).toEqual(
      expected,
    );
    expect(parseDigestField(`sha-256=:${sha256.toString('base64')}:`)).toEqual(expected);
    expect(parseDigestField('sha-256=:AAAA:')).toBeNull();
    expect(hashNames[0]).toBe('sha-512');
  });
});
