import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, lenient, parseAtIndex, parseIndexAnswer, strict } from './micro-cdn';
import {
  extension,
  judgeWelcome,
  parseContentExtension,
  parseContentExtensionAnswer,
  parseIndexExtension,
  parseIndexExtensionAnswer,
  shared,
  splitDigest,
  withDigest,
} from './micro-cdn-extensions';

const sha256 = 'ab'.repeat(32);
const malformed = { type: 'malformed', reason: 'MALFORMED_COMMAND' };

describe('golden lines: every extension, byte for byte', () => {
  it.each([
    [extension.hello(['delta', 'route']), 'HELLO delta route\n'],
    [extension.welcome(['delta']), 'WELCOME MICRO-CDN delta\n'],
    [extension.welcome([]), 'WELCOME MICRO-CDN\n'],
    [extension.update('CS1'), 'UPDATE CS1\n'],
    [extension.updating(), 'OK UPDATING\n'],
    [extension.removeFile('CS1', 'my file.txt'), 'REMOVE_FILE CS1 my file.txt\n'],
    [extension.fileDigest('CS1', 'my file.txt', sha256), `FILE_DIGEST CS1 ${sha256} my file.txt\n`],
    [extension.status('CS1'), 'STATUS CS1\n'],
    [extension.statusAnswer({ serverId: 'CS1', status: 'dead', files: 3 }), 'STATUS CS1 dead 3\n'],
    [extension.status('CS1', true), 'STATUS CS1 sum\n'],
    [
      extension.statusAnswer({ serverId: 'CS1', status: 'alive', files: 3, sum: 7 }),
      'STATUS CS1 alive 3 7\n',
    ],
    [extension.drain('CS1'), 'DRAIN CS1\n'],
    [extension.draining(), 'OK DRAINING\n'],
    [extension.features('CS1', ['resume']), 'FEATURES CS1 resume\n'],
    [extension.avoid(['CS1', 'CS2']), 'AVOID CS1 CS2\n'],
    [extension.serverUp('CS1', 1700000000.9), 'SERVER_UP CS1 1700000000\n'],
    [extension.markedAlive(), 'OK SERVER_MARKED_ALIVE\n'],
    [extension.serverWith('SERVER 127.0.0.1 7001 CS1 14\n', []), 'SERVER 127.0.0.1 7001 CS1 14\n'],
    [
      extension.serverWith('SERVER 127.0.0.1 7001 CS1 14\n', ['resume']),
      'SERVER 127.0.0.1 7001 CS1 14 resume\n',
    ],
    [extension.range(100, 'my file.txt'), 'RANGE 100 my file.txt\n'],
    [extension.part(100, 200), 'PART 100 200\n'],
    [extension.digest(null, 'a'), 'DIGEST * a\n'],
    [extension.digest(5, 'a b'), 'DIGEST 5 a b\n'],
    [extension.digestAnswer({ length: 5, size: 9, sha256 }), `DIGEST 5 9 ${sha256}\n`],
  ])('%j', (encoded, golden) => expect(encoded).toBe(golden));
});

describe('extensions at an index', () => {
  it.each([
    ['HELLO delta route', { type: 'hello-with', features: ['delta', 'route'] }],
    ['UPDATE CS1', { type: 'update', serverId: 'CS1' }],
    ['STATUS CS1', { type: 'status', serverId: 'CS1', sum: false }],
    ['STATUS CS1 sum', { type: 'status', serverId: 'CS1', sum: true }],
    ['STATUS CS1 total', malformed],
    ['STATUS CS1 sum sum', malformed],
    ['DRAIN CS1', { type: 'drain', serverId: 'CS1' }],
    ['FEATURES CS1', { type: 'features', serverId: 'CS1', features: [] }],
    ['AVOID CS1 CS2', { type: 'avoid', serverIds: ['CS1', 'CS2'] }],
    ['SERVER_UP CS1 1700000000', { type: 'server-up', serverId: 'CS1', timestamp: 1700000000 }],
    ['REMOVE_FILE CS1 my  file', { type: 'remove-file', serverId: 'CS1', name: 'my  file' }],
    [
      `FILE_DIGEST CS1 ${sha256} my  file`,
      { type: 'file-digest', serverId: 'CS1', sha256, name: 'my  file' },
    ],
    [`FILE_DIGEST CS1 ${sha256}`, malformed],
    [`FILE_DIGEST CS1 ${sha256} `, malformed],
    [`FILE_DIGEST CS1 ${sha256.slice(1)} a`, malformed],
    ['FILE_DIGEST', malformed],
    ['UPDATE', malformed],
    ['UPDATE CS1 x', malformed],
    ['AVOID', malformed],
    ['AVOID  CS1', malformed],
    ['SERVER_UP CS1', malformed],
    ['REMOVE_FILE CS1', malformed],
    ['REMOVE_FILE CS1 ', malformed],
  ])('%j', (line, request) => expect(parseIndexExtension(line, lenient)).toEqual(request));

  it('are none in the seed protocol, and no seed message is one', () => {
    expect(parseIndexExtension('UPDATE CS1', strict)).toBeNull();
    expect(parseContentExtension('RANGE 0 a', strict)).toBeNull();
    const seedLines = [
      encode.hello(),
      encode.get('a'),
      encode.register({ serverId: 'CS1', tcpPort: 1, udpPort: 2 }),
      encode.addFile('CS1', 'a', 1),
      encode.doneFiles(),
      encode.serverDown('CS1', 1),
    ];
    for (const line of seedLines) expect(parseIndexExtension(line.trimEnd(), lenient)).toBeNull();
  });

  it('are all unknown or malformed to the seed protocol, so that nothing is mistaken', () => {
    for (const line of [
      'HELLO delta',
      'UPDATE CS1',
      'STATUS CS1',
      'DRAIN CS1',
      'AVOID CS1',
      'SERVER_UP CS1 1',
    ]) {
      expect(parseAtIndex(line, lenient).type).toBe('malformed');
    }
  });

  it('answers', () => {
    expect(parseIndexExtensionAnswer('STATUS CS1 alive 3')).toEqual({
      ...{ type: 'status-answer', serverId: 'CS1', status: 'alive', files: 3 },
    });
    expect(parseIndexExtensionAnswer('STATUS CS1 alive 3 4294967295')).toMatchObject({ sum: 4_294_967_295 });
    expect(parseIndexExtensionAnswer('OK UPDATING')).toEqual({ type: 'updating' });
    expect(parseIndexExtensionAnswer('OK DRAINING')).toEqual({ type: 'draining' });
    expect(parseIndexExtensionAnswer('OK SERVER_MARKED_ALIVE')).toEqual({ type: 'marked-alive' });
    for (const line of [
      'STATUS CS1 well 3',
      'STATUS CS1 alive',
      'STATUS CS1 alive 3 x',
      'STATUS CS1 alive 3 4 5',
      'OK REGISTERED',
      'ERROR UNKNOWN_COMMAND',
      '',
    ]) {
      expect(parseIndexExtensionAnswer(line)).toBeNull();
    }
    const withFeatures = extension.serverWith('SERVER 127.0.0.1 7001 CS1 14\n', ['resume']).trimEnd();
    expect(parseIndexAnswer(withFeatures)).toMatchObject({ type: 'server', features: ['resume'] });
  });

  it('carry a digest at the end of a line, and nothing that only looks like one', () => {
    const words = withDigest(['resume'], sha256);
    expect(splitDigest(words)).toEqual({ features: ['resume'], sha256 });
    expect(splitDigest(withDigest(['resume'], undefined))).toEqual({ features: ['resume'] });
    expect(splitDigest(['resume', 'sha256=zz'])).toEqual({ features: ['resume'] });
  });

  it.each([
    ['WELCOME MICRO-CDN route digests', 'ours', ['route', 'digests']],
    ['WELCOME MICRO-CDN digests', 'ours', ['digests']],
    ['WELCOME MICRO-CDN', 'foreign', []],
    ['ERROR UNKNOWN_COMMAND', 'foreign', []],
    ['WELCOME MICRO-CDN route digesus', 'unclear', []],
    ['WELCOMD MICRO-CDN route', 'unclear', []],
    ['WELCOME MICRO-CDN 1.0', 'unclear', []],
    ['Hi!', 'unclear', []],
  ])('show in %j who greets: %s', (line, from, features) => {
    expect(judgeWelcome(line, ['route', 'digests'])).toEqual({ from, features });
  });

  it('are used only when both sides have named them', () => {
    expect(shared(['route', 'delta', 'teleport'], ['delta', 'route'])).toEqual(['delta', 'route']);
    expect(shared([], ['delta'])).toEqual([]);
  });
});

describe('extensions at a content server', () => {
  it.each([
    ['RANGE 100 my file', { type: 'range', offset: 100, name: 'my file' }],
    ['DIGEST * my file', { type: 'digest', length: null, name: 'my file' }],
    ['DIGEST 7 a', { type: 'digest', length: 7, name: 'a' }],
    ['RANGE * a', malformed],
    ['RANGE -1 a', malformed],
    ['RANGE 1', malformed],
    ['DIGEST x a', malformed],
    ['DIGEST ', malformed],
    ['GET a', null],
    ['RANGED 1 a', null],
  ])('%j', (line, request) => expect(parseContentExtension(line, lenient)).toEqual(request));

  it.each([
    ['PART 100 200', { type: 'part', offset: 100, size: 200 }],
    [`DIGEST 5 9 ${sha256}`, { type: 'digest-answer', length: 5, size: 9, sha256 }],
    ['PART 300 200', null],
    ['PART 100', null],
    ['PART 100 200 x', null],
    [`DIGEST 5 9 ${sha256.toUpperCase()}`, null],
    ['DIGEST 5 9', null],
    ['OK 5', null],
  ])('answers %j', (line, answer) => expect(parseContentExtensionAnswer(line)).toEqual(answer));
});

describe('any line', () => {
  const word = fc.constantFrom('HELLO', 'UPDATE', 'RANGE', 'DIGEST', 'STATUS', 'PART', '*', '1', 'CS1', '');
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 8 }).map((words) => words.join(' ')),
  );

  it('never throws past the codec', () => {
    fc.assert(
      fc.property(line, (text) => {
        parseIndexExtension(text, lenient);
        parseIndexExtensionAnswer(text);
        parseContentExtension(text, lenient);
        parseContentExtensionAnswer(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('that was encoded is parsed as the same', () => {
    const id = fc.stringMatching(/^[!-~]{1,20}$/);
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => !/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(text));
    fc.assert(
      fc.property(id, name, fc.maxSafeNat(), (serverId, name, count) => {
        const cut = (encoded: string): string => encoded.slice(0, -1);
        expect(parseIndexExtension(cut(extension.removeFile(serverId, name)), lenient)).toEqual({
          ...{ type: 'remove-file', serverId, name },
        });
        expect(parseIndexExtension(cut(extension.fileDigest(serverId, name, sha256)), lenient)).toEqual({
          ...{ type: 'file-digest', serverId, name, sha256 },
        });
        expect(parseIndexExtension(cut(extension.serverUp(serverId, count)), lenient)).toEqual({
          ...{ type: 'server-up', serverId, timestamp: count },
        });
        expect(parseContentExtension(cut(extension.range(count, name)), lenient)).toEqual({
          ...{ type: 'range', offset: count, name },
        });
        expect(parseContentExtension(cut(extension.digest(count, name)), lenient)).toEqual({
          ...{ type: 'digest', length: count, name },
        });
        expect(parseContentExtension(cut(extension.digest(null, name)), lenient)).toEqual({
          ...{ type: 'digest', length: null, name },
        });
      }),
    );
  });
});
