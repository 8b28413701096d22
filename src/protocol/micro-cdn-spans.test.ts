import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseHashesAnswer,
  parseHolder,
  parseHoldersQuestion,
  parseSpanAnswer,
  parseSpanRequest,
  spans,
} from './micro-cdn-spans';

const count = fc.nat({ max: 4 * 1024 * 1024 });
const name = fc.stringMatching(/^[a-zä][a-zä0-9 .%]{0,20}[a-z]$/);
const bare = (line: string): string => line.slice(0, -1);

describe('spans', () => {
  it('have these lines', () => {
    expect(spans.span(5, 10, 'my file.txt')).toBe('SPAN 5 10 my file.txt\n');
    expect(spans.spanAnswer(5, 10, 100)).toBe('SPAN 5 10 100\n');
    expect(spans.hashes('a b')).toBe('HASHES a b\n');
    expect(spans.hashesAnswer(100, 262144, 1)).toBe('HASHES 100 262144 1\n');
    expect(
      spans.holder({
        host: '127.0.0.1',
        tcpPort: 7001,
        serverId: 'CS1',
        size: 9,
        features: ['resume', 'spans'],
      }),
    ).toBe('HOLDER 127.0.0.1 7001 CS1 9 resume spans\n');
  });

  it('are read back', () => {
    fc.assert(
      fc.property(count, count, name, (offset, length, file) => {
        expect(parseSpanRequest(bare(spans.span(offset, length, file)))).toEqual({
          type: 'span',
          offset,
          length,
          name: file,
        });
        expect(parseSpanRequest(bare(spans.hashes(file)))).toEqual({ type: 'hashes', name: file });
        expect(parseHoldersQuestion(bare(spans.holders(file)))).toBe(file);
        expect(parseSpanAnswer(bare(spans.spanAnswer(offset, length, 7)))).toEqual({
          offset,
          length,
          size: 7,
        });
        expect(parseHashesAnswer(bare(spans.hashesAnswer(offset, length, 7)))).toEqual({
          size: offset,
          pieceSize: length,
          count: 7,
        });
      }),
    );
    const row = { host: '127.0.0.1', tcpPort: 7001, serverId: 'CS1', size: 0, features: [] };
    expect(parseHolder(bare(spans.holder(row)))).toEqual(row);
    expect(parseHolder('END')).toBe('end');
  });

  it('are refused when they make no sense', () => {
    for (const line of ['SPAN 1 2', 'SPAN -1 2 a', 'SPAN 1 99999999999 a', 'SPAN x 2 a', 'HASHES '])
      expect(parseSpanRequest(line), line).toBe('malformed');
    for (const line of ['GET a', 'RANGE 1 a', '']) expect(parseSpanRequest(line)).toBeNull();
    for (const line of ['HOLDER 127.0.0.1 0 CS1 9', 'HOLDER 127.0.0.1 7001 CS1', 'SERVER', ''])
      expect(parseHolder(line), line).toBeNull();
    expect(parseSpanAnswer('SPAN 1 2')).toBeNull();
    expect(parseHashesAnswer('HASHES 1 2 3 4')).toBeNull();
    expect(parseHoldersQuestion('HOLDERS')).toBeNull();
  });
});
