import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileNameProblem, isHiddenName, percentDecodeName, percentEncodeName } from './file-name';

describe('fileNameProblem', () => {
  it.each([
    'hello.txt',
    'a/b/c.bin',
    'my holiday photo.jpg',
    'größe.txt',
    '文件.txt',
    '..hidden',
    'a..b',
    '.well-known/x',
    '-rf',
    '100%',
    'file (2).txt',
    'console.txt',
    'com10',
    'null.txt',
    'x'.repeat(255),
    `${'d'.repeat(200)}/${'e'.repeat(200)}`,
    '🎉.png',
  ])('takes %j', (name) => {
    expect(fileNameProblem(name)).toBeNull();
  });

  it.each([
    ['', 'it is empty'],
    ['..', 'it has a part ".."'],
    ['../etc/passwd', 'it has a part ".."'],
    ['a/../../b', 'it has a part ".."'],
    ['./a', 'it has a part "."'],
    ['/etc/passwd', 'it is an absolute path'],
    ['//host/share', 'it is an absolute path'],
    ['a//b', 'it has an empty part'],
    ['a/', 'it has an empty part'],
    ['C:/Windows', 'it has a drive letter'],
    ['c:x', 'it has a drive letter'],
    ['a/d:x', 'it has a drive letter'],
    ['..\\secret', 'it has a backslash'],
    ['a\0b', 'it has a control character'],
    ['a\nGET b', 'it has a control character'],
    ['a\x7f', 'it has a control character'],
    ['a\x85b', 'it has a control character'],
    ['a\u2028b', 'it has a control character'],
    ['\ud800', 'it is not valid Unicode'],
    ['NUL', 'it is a device name on Windows'],
    ['con.txt', 'it is a device name on Windows'],
    ['a/COM1', 'it is a device name on Windows'],
    ['lpt9.tar.gz', 'it is a device name on Windows'],
    ['COM¹', 'it is a device name on Windows'],
    ['name.', 'a part ends in a dot or a space'],
    ['.. ', 'a part ends in a dot or a space'],
    ['a /b', 'a part ends in a dot or a space'],
    ['x'.repeat(256), 'a part is longer than 255 bytes'],
    ['ü'.repeat(128), 'a part is longer than 255 bytes'],
    [Array.from({ length: 6 }, () => 'x'.repeat(200)).join('/'), 'it is longer than 1024 bytes'],
  ])('refuses %j', (name, problem) => {
    expect(fileNameProblem(name)).toBe(problem);
  });

  it('agrees with itself, whichever way a name is looked at', () => {
    const part = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'C', '.', ' ', ':', '-', '1'), maxLength: 6 }),
      fc.constantFrom('con', 'NUL.x', '..', 'lpt1'),
    );
    fc.assert(
      fc.property(part, (name) => {
        // The short way for plain names and the long one must say the same: 'd/' forces the long one.
        const long = fileNameProblem(`d/${name}`);
        if (name !== '') expect(fileNameProblem(name)).toBe(long);
      }),
    );
  });

  it('takes any string without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => void fileNameProblem(name)));
  });
});

describe('isHiddenName', () => {
  it.each([
    ['.env', true],
    ['a/.git/config', true],
    ['movie.mkv.part', true],
    ['a.part/b', true],
    ['a.partial', false],
    ['a.b', false],
  ])('%j: %j', (name, hidden) => expect(isHiddenName(name)).toBe(hidden));
});

describe('percent-encoding', () => {
  const spaces = { spaces: true, nonAscii: false };
  const both = { spaces: true, nonAscii: true };

  it('leaves alone what need not be changed', () => {
    expect(percentEncodeName('100%.txt', both)).toBe('100%.txt');
    expect(percentEncodeName('größe.txt', spaces)).toBe('größe.txt');
  });

  it('encodes what must be, and the percent sign with it', () => {
    expect(percentEncodeName('my 100% file.txt', spaces)).toBe('my%20100%25%20file.txt');
    expect(percentEncodeName('größe.txt', both)).toBe('gr%C3%B6%C3%9Fe.txt');
  });

  it('is undone by decoding, for every safe name', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((candidate) => fileNameProblem(candidate) === null);
    fc.assert(
      fc.property(name, fc.boolean(), (original, nonAscii) => {
        const encoded = percentEncodeName(original, { spaces: true, nonAscii });
        expect(encoded).not.toContain(' ');
        if (nonAscii) expect(encoded).toMatch(/^[!-~]*$/);
        if (encoded !== original) expect(percentDecodeName(encoded)).toBe(original);
      }),
    );
  });

  it('does not decode what was never encoded', () => {
    expect(percentDecodeName('hello.txt')).toBeNull();
    expect(percentDecodeName('100%')).toBeNull();
    expect(percentDecodeName('%FF')).toBeNull();
  });
});
