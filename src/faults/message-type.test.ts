import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageSplitter, messageType } from './message-type';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (part: { bytes: Uint8Array }): string => Buffer.from(part.bytes).toString('latin1');

describe('the type of a message', () => {
  it.each([
    ['HEARTBEAT CS1 127.0.0.1 7001 0 3', 'HEARTBEAT'],
    ['SERVER_DOWN CS1 17000\n', 'SERVER_DOWN'],
    ['GET /index.html HTTP/1.1\r\n', 'GET'],
    ['HTTP/1.1 200 OK\r\n', 'HTTP/1.1'],
    ['HELLO\n', 'HELLO'],
    ['{"creator":"127.0.0.1:4043","type":"UPDATE","data":[]}', 'UPDATE'],
    ['some file', 'data'],
    ['\x00\x01', 'data'],
    ['', 'data'],
  ])('%j is %s', (message, type) => expect(messageType(bytes(message))).toBe(type));
});

describe('the messages of a stream', () => {
  it('are told from the rest, line by line', () => {
    const parts = new MessageSplitter().split(bytes('HELLO\nGET a\nGET b\nbody'), ['GET']);
    expect(parts.map((part) => [text(part), part.matches])).toEqual([
      ['HELLO\n', false],
      ['GET a\n', true],
      ['GET b\n', true],
      ['body', false],
    ]);
  });

  it('go on over segments', () => {
    const splitter = new MessageSplitter();
    splitter.split(bytes('GET a'), ['GET']);
    const parts = splitter.split(bytes('bc\nHELLO\n'), ['GET']);
    expect(parts.map((part) => [text(part), part.matches])).toEqual([
      ['bc\n', true],
      ['HELLO\n', false],
    ]);
  });

  it('are cut without loss, whatever the segments', () => {
    const word = fc.constantFrom('GET a', 'OK 5', 'x', '', '{"type":"GET"}', 'HEARTBEAT');
    const segments = fc.array(
      fc.array(word).map((lines) => lines.join('\n')),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(segments, (stream) => {
        const splitter = new MessageSplitter();
        const parts = stream.flatMap((segment) => splitter.split(bytes(segment), ['GET', 'data']));
        expect(parts.map(text).join('')).toBe(stream.join(''));
      }),
    );
  });
});
