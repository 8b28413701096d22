import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encode,
  lenient,
  MAX_LINE_BYTES,
  parseAtContent,
  parseAtIndex,
  parseAtMonitor,
  parseContentAnswer,
  parseHeartbeat,
  parseIndexAnswer,
  parseMonitorAnswer,
  strict,
  type Tolerance,
} from './micro-cdn';

/** The seed protocol with this one tolerance. */
function only(tolerance: keyof Tolerance): Tolerance {
  return { ...strict, [tolerance]: true };
}
const malformed = { type: 'malformed', reason: 'MALFORMED_COMMAND' };
const unknown = { type: 'malformed', reason: 'UNKNOWN_COMMAND' };

describe('golden lines: every message of the seed, byte for byte', () => {
  const cs1 = { serverId: 'CS1', host: '127.0.0.1', tcpPort: 7001 };

  it.each([
    [encode.register({ serverId: 'CS1', tcpPort: 7001, udpPort: 7002 }), 'REGISTER CS1 7001 7002\n'],
    [encode.registered(), 'OK REGISTERED\n'],
    [encode.addFile('CS1', 'hello.txt', 14), 'ADD_FILE CS1 hello.txt 14\n'],
    [encode.doneFiles(), 'DONE_FILES\n'],
    [encode.filesAdded(), 'OK FILES_ADDED\n'],
    [encode.hello(), 'HELLO\n'],
    [encode.welcome(), 'WELCOME MICRO-CDN\n'],
    [encode.get('hello.txt'), 'GET hello.txt\n'],
    [encode.server({ ...cs1, size: 14 }), 'SERVER 127.0.0.1 7001 CS1 14\n'],
    [encode.error('FILE_NOT_FOUND'), 'ERROR FILE_NOT_FOUND\n'],
    [encode.ok(1048576), 'OK 1048576\n'],
    [encode.heartbeat({ ...cs1, load: 2, files: 3 }), 'HEARTBEAT CS1 127.0.0.1 7001 2 3\n'],
    [encode.listServers(), 'LIST_SERVERS\n'],
    [encode.serverRow({ ...cs1, load: 2, alive: true }), 'SERVER CS1 127.0.0.1 7001 2 alive\n'],
    [encode.serverRow({ ...cs1, load: 0, alive: false }), 'SERVER CS1 127.0.0.1 7001 0 dead\n'],
    [encode.end(), 'END\n'],
    [encode.serverDown('CS1', 1700000000.9), 'SERVER_DOWN CS1 1700000000\n'],
    [encode.markedDead(), 'OK SERVER_MARKED_DEAD\n'],
    [encode.registerIndex('127.0.0.1', 5050), 'REGISTER_INDEX 127.0.0.1 5050\n'],
    [encode.indexRegistered(), 'OK INDEX_REGISTERED\n'],
    [encode.pong(), 'PONG\n'],
    [encode.listedFile('hello.txt', 14), 'FILE hello.txt 14\n'],
    [encode.listedServer('CS1', '127.0.0.1', 7001), 'SERVER CS1 127.0.0.1 7001\n'],
    [encode.addFile('CS1', 'größe.txt', 1), 'ADD_FILE CS1 größe.txt 1\n'],
  ])('%j', (encoded, golden) => expect(encoded).toBe(golden));

  it('never sends a control character or a broken word', () => {
    expect(() => encode.get('a\nGET b')).toThrow(RangeError);
    expect(() => encode.addFile('CS1', 'a\0b', 1)).toThrow(RangeError);
    expect(() => encode.addFile('CS 1', 'a', 1)).toThrow(RangeError);
    expect(() => encode.heartbeat({ serverId: '', host: 'h', tcpPort: 1, load: 0, files: 0 })).toThrow(
      RangeError,
    );
  });
});

describe('at the index', () => {
  it.each([
    ['REGISTER CS1 7001 7002', { type: 'register', serverId: 'CS1', tcpPort: 7001, udpPort: 7002 }],
    ['REGISTER CS1 7001 0', { type: 'register', serverId: 'CS1', tcpPort: 7001, udpPort: 0 }],
    ['ADD_FILE CS1 hello.txt 14', { type: 'add-file', serverId: 'CS1', name: 'hello.txt', size: 14 }],
    ['DONE_FILES', { type: 'done-files' }],
    ['HELLO', { type: 'hello' }],
    ['GET hello.txt', { type: 'get', name: 'hello.txt' }],
    ['SERVER_DOWN CS1 1700000000', { type: 'server-down', serverId: 'CS1', timestamp: 1700000000 }],
  ])('takes %j in every mode', (line, request) => {
    expect(parseAtIndex(line, strict)).toEqual(request);
    expect(parseAtIndex(line, lenient)).toEqual(request);
  });

  it.each([
    'REGISTER CS1 7001',
    'REGISTER CS1 7001 7002 x',
    'REGISTER CS1 0 7002',
    'REGISTER CS1 70011111 7002',
    'REGISTER CS1 7001 -1',
    'REGISTER  7001 7002',
    'ADD_FILE CS1 hello.txt',
    'ADD_FILE CS1  14',
    'ADD_FILE CS1 hello.txt -1',
    'ADD_FILE CS1 hello.txt 1e3',
    'ADD_FILE CS1 hello.txt 99999999999999999',
    'ADD_FILE CS\u00011 hello.txt 1',
    'ADD_FILE',
    'GET',
    'GET ',
    'DONE_FILES now',
    'SERVER_DOWN',
    'SERVER_DOWN CS1 soon',
    'SERVER_DOWN CS1 1 2',
  ])('refuses %j as malformed in every mode', (line) => {
    expect(parseAtIndex(line, strict)).toEqual(malformed);
    expect(parseAtIndex(line, lenient)).toEqual(malformed);
  });

  it.each(['', ' ', 'get hello.txt', 'DELETE x', 'GETX', 'HELLOO', '\0'])('does not know %j', (line) => {
    expect(parseAtIndex(line, lenient)).toEqual(unknown);
  });

  it('takes spaces in names only by tolerance, and reads the line from both ends', () => {
    const line = 'ADD_FILE CS1 my  holiday 2024 .jpg 77';
    expect(parseAtIndex(line, strict)).toEqual(malformed);
    const request = { type: 'add-file', serverId: 'CS1', name: 'my  holiday 2024 .jpg', size: 77 };
    expect(parseAtIndex(line, only('spacesInNames'))).toEqual(request);
    expect(parseAtIndex('GET a b', strict)).toEqual(malformed);
    expect(parseAtIndex('GET a b', only('spacesInNames'))).toEqual({ type: 'get', name: 'a b' });
  });

  it('takes the short SERVER_DOWN and fractions of a second only by tolerance', () => {
    expect(parseAtIndex('SERVER_DOWN CS1', strict)).toEqual(malformed);
    expect(parseAtIndex('SERVER_DOWN CS1 1.5', strict)).toEqual(malformed);
    const loose = only('looseServerDown');
    expect(parseAtIndex('SERVER_DOWN CS1', loose)).toEqual({ type: 'server-down', serverId: 'CS1' });
    expect(parseAtIndex('SERVER_DOWN CS1 1700000000.25', loose)).toMatchObject({ timestamp: 1700000000 });
  });

  it('knows the extras of some clients only by tolerance', () => {
    for (const [line, type] of [
      ['LIST_FILES', 'list-files'],
      ['LIST_SERVERS', 'list-servers'],
      ['PING', 'ping'],
    ] as const) {
      expect(parseAtIndex(line, strict)).toEqual(unknown);
      expect(parseAtIndex(line, only('extraCommands'))).toEqual({ type });
    }
  });
});

describe('at a content server', () => {
  it('takes the rest of the line for the name', () => {
    expect(parseAtContent('GET ../x', lenient)).toEqual({ type: 'get', name: '../x' });
    expect(parseAtContent('GET  a b ', lenient)).toEqual({ type: 'get', name: ' a b ' });
    expect(parseAtContent('GET', lenient)).toEqual(malformed);
    expect(parseAtContent('HELLO', lenient)).toEqual(unknown);
  });
});

describe('heartbeats', () => {
  const heartbeat = {
    type: 'heartbeat',
    serverId: 'CS1',
    host: '127.0.0.1',
    tcpPort: 7001,
    load: 2,
    files: 3,
  };

  it('takes the seed’s form in every mode', () => {
    expect(parseHeartbeat('HEARTBEAT CS1 127.0.0.1 7001 2 3', strict)).toEqual(heartbeat);
    expect(parseHeartbeat('HEARTBEAT CS1 localhost 7001 2 3', strict)).toEqual({
      ...heartbeat,
      host: 'localhost',
    });
  });

  it.each([
    ['further words', 'HEARTBEAT CS1 127.0.0.1 7001 2 3 v2 extra'],
    ['fractions', 'HEARTBEAT CS1 127.0.0.1 7001 2.0 3'],
    ['several spaces', 'HEARTBEAT  CS1 127.0.0.1   7001 2 3 '],
    ['a whole C buffer', 'HEARTBEAT CS1 127.0.0.1 7001 2 3\0\0\0'],
  ])('takes %s only by tolerance', (_what, line) => {
    expect(parseHeartbeat(line, strict)).toEqual(malformed);
    expect(parseHeartbeat(line, only('looseHeartbeats'))).toEqual(heartbeat);
  });

  it('reads a line of control characters once, not once for each of them', () => {
    const line = `${'\0'.repeat(200_000)}x`;
    for (const text of [line, `HEARTBEAT ${line}`])
      expect(parseHeartbeat(text, lenient).type).toBe('malformed');
  });

  it('takes a negative load for none', () => {
    expect(parseHeartbeat('HEARTBEAT CS1 127.0.0.1 7001 -1 3', lenient)).toMatchObject({ load: 0 });
  });

  it.each([
    'HEARTBEAT',
    'HEARTBEAT CS1 127.0.0.1 7001 2',
    'HEARTBEAT CS1 127.0.0.1 x 2 3',
    'HEARTBEAT CS1 h 1 two 3',
  ])('refuses %j', (line) => expect(parseHeartbeat(line, lenient)).toEqual(malformed));
});

describe('at the monitor', () => {
  it.each([
    ['LIST_SERVERS', { type: 'list-servers' }],
    ['REGISTER_INDEX 127.0.0.1 5050', { type: 'register-index', host: '127.0.0.1', port: 5050 }],
    ['REGISTER_INDEX localhost', malformed],
    ['REGISTER_INDEX localhost 0', malformed],
    ['LIST_SERVERS all', malformed],
    ['HELLO', unknown],
  ])('%j', (line, request) => expect(parseAtMonitor(line)).toEqual(request));
});

describe('answers', () => {
  it.each([
    ['OK REGISTERED', { type: 'registered' }],
    ['OK FILES_ADDED', { type: 'files-added' }],
    ['OK SERVER_MARKED_DEAD', { type: 'marked-dead' }],
    ['WELCOME MICRO-CDN', { type: 'welcome', features: [] }],
    ['WELCOME MICRO-CDN delta route', { type: 'welcome', features: ['delta', 'route'] }],
    ['ERROR FILE_NOT_FOUND', { type: 'error', reason: 'FILE_NOT_FOUND' }],
    ['ERROR', { type: 'error', reason: '' }],
    [
      'SERVER 127.0.0.1 7001 CS1 14',
      { type: 'server', host: '127.0.0.1', tcpPort: 7001, serverId: 'CS1', size: 14, features: [] },
    ],
    ['SERVER 127.0.0.1 7001 CS1', { type: 'other', text: 'SERVER 127.0.0.1 7001 CS1' }],
    ['OK', { type: 'other', text: 'OK' }],
    ['hello there', { type: 'other', text: 'hello there' }],
  ])('of an index: %j', (line, answer) => expect(parseIndexAnswer(line)).toEqual(answer));

  it.each([
    ['OK 0', { type: 'ok', size: 0 }],
    ['OK 1073741824 ', { type: 'ok', size: 2 ** 30 }],
    ['OK -1', { type: 'other', text: 'OK -1' }],
    ['OK many', { type: 'other', text: 'OK many' }],
    ['ERROR FILE_NOT_FOUND', { type: 'error', reason: 'FILE_NOT_FOUND' }],
    ['ERRORS', { type: 'other', text: 'ERRORS' }],
  ])('of a content server: %j', (line, answer) => expect(parseContentAnswer(line)).toEqual(answer));

  const row = { type: 'server-row', serverId: 'CS1', host: '127.0.0.1', tcpPort: 7001, load: 2 };
  it.each([
    ['SERVER CS1 127.0.0.1 7001 2 alive', { ...row, alive: true }],
    ['SERVER CS1 127.0.0.1 7001 2 dead', { ...row, alive: false }],
    ['SERVER_DOWN CS1 1700000000', { type: 'server-down', serverId: 'CS1', timestamp: 1700000000 }],
    ['END', { type: 'end' }],
    ['OK INDEX_REGISTERED', { type: 'index-registered' }],
    ['ERROR UNKNOWN_COMMAND', { type: 'error', reason: 'UNKNOWN_COMMAND' }],
    ['SERVER CS1 127.0.0.1 7001 2 limping', { type: 'other', text: 'SERVER CS1 127.0.0.1 7001 2 limping' }],
  ])('of a monitor: %j', (line, answer) => expect(parseMonitorAnswer(line, strict)).toEqual(answer));

  it('statuses in capitals count only by tolerance', () => {
    const line = 'SERVER CS1 127.0.0.1 7001 2 DEAD';
    expect(parseMonitorAnswer(line, strict)).toMatchObject({ type: 'other' });
    expect(parseMonitorAnswer(line, only('statusInAnyCase'))).toEqual({ ...row, alive: false });
  });
});

describe('any bytes', () => {
  const wordPart = fc.constantFrom(
    'GET',
    'ADD_FILE',
    'REGISTER',
    'HEARTBEAT',
    'SERVER',
    'OK',
    'CS1',
    '7001',
    '-1',
    '',
  );
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
    fc
      .array(fc.oneof(wordPart, fc.string({ maxLength: 5 })), { maxLength: 8 })
      .map((words) => words.join(' ')),
  );

  it('never throw past the codec, whoever receives them', () => {
    fc.assert(
      fc.property(line, fc.constantFrom(strict, lenient), (text, tolerance) => {
        for (const parsed of [
          parseAtIndex(text, tolerance),
          parseAtContent(text, tolerance),
          parseHeartbeat(text, tolerance),
          parseAtMonitor(text),
          parseIndexAnswer(text),
          parseContentAnswer(text),
          parseMonitorAnswer(text, tolerance),
        ]) {
          expect(typeof parsed.type).toBe('string');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is encoded is parsed as the same', () => {
  const id = fc.stringMatching(/^[!-~]{1,20}$/);
  const host = fc.constantFrom('127.0.0.1', '::1', 'localhost', 'cdn.example');
  const port = fc.integer({ min: 1, max: 65_535 });
  const count = fc.nat();
  const size = fc.maxSafeNat();
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => !/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(text));
  const cut = (line: string): string => line.slice(0, -1);

  it('for every message', () => {
    fc.assert(
      fc.property(
        id,
        host,
        port,
        port,
        count,
        size,
        name,
        fc.boolean(),
        (serverId, host, tcpPort, udpPort, load, size, name, alive) => {
          const server = { serverId, host, tcpPort };
          expect(parseAtIndex(cut(encode.register({ serverId, tcpPort, udpPort })), lenient)).toEqual({
            ...{ type: 'register', serverId, tcpPort, udpPort },
          });
          expect(parseAtIndex(cut(encode.addFile(serverId, name, size)), lenient)).toEqual({
            ...{ type: 'add-file', serverId, name, size },
          });
          expect(parseAtIndex(cut(encode.get(name)), lenient)).toEqual({ type: 'get', name });
          expect(parseAtContent(cut(encode.get(name)), lenient)).toEqual({ type: 'get', name });
          expect(parseAtIndex(cut(encode.serverDown(serverId, load)), strict)).toEqual({
            ...{ type: 'server-down', serverId, timestamp: load },
          });
          expect(parseIndexAnswer(cut(encode.server({ ...server, size })))).toEqual({
            ...{ type: 'server', ...server, size, features: [] },
          });
          expect(parseContentAnswer(cut(encode.ok(size)))).toEqual({ type: 'ok', size });
          expect(parseHeartbeat(cut(encode.heartbeat({ ...server, load, files: load })), strict)).toEqual({
            ...{ type: 'heartbeat', ...server, load, files: load },
          });
          expect(parseMonitorAnswer(cut(encode.serverRow({ ...server, load, alive })), strict)).toEqual({
            ...{ type: 'server-row', ...server, load, alive },
          });
          expect(parseAtMonitor(cut(encode.registerIndex(host, tcpPort)))).toEqual({
            ...{ type: 'register-index', host, port: tcpPort },
          });
        },
      ),
    );
  });

  it('and the longest allowed name fits a line, percent-encoded', () => {
    const longest = `ADD_FILE ${'i'.repeat(255)} ${'%20'.repeat(1024)} ${Number.MAX_SAFE_INTEGER}`;
    expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  });
});
