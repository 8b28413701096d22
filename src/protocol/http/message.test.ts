/** Heads and contents: what is taken, what is refused and with which status, and in any segmentation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentReader } from './content-reader';
import { responseFraming } from './framing';
import { defaultHeadLimits, HeadReader, type HeadTolerance } from './head-reader';
import { HttpError } from './http-error';
import { parseRequestHead, type RequestHead } from './request-head';
import { parseResponseHead } from './response-head';

const strict: HeadTolerance = { missingLastLineFeed: 'never' };

interface Parsed {
  requests: { head: RequestHead; content: string }[];
  error: number | null;
}

/** Everything that a server would make of these segments. */
function parse(segments: readonly Buffer[], tolerance = strict): Parsed {
  const heads = new HeadReader(defaultHeadLimits, tolerance);
  const requests: Parsed['requests'] = [];
  let current: { head: RequestHead; reader: ContentReader; content: string } | undefined;
  try {
    for (const bytes of segments) {
      for (let at = 0; at < bytes.length; ) {
        if (!current) {
          const { head, next } = heads.read(bytes, at);
          at = next;
          if (head === null) continue;
          const parsed = parseRequestHead(head, defaultHeadLimits.maxFields);
          const reader = ContentReader.after(heads, parsed.framing, { extensions: 'refuse' });
          current = { head: parsed, reader, content: '' };
        } else {
          const { reader } = current;
          at = reader.push(bytes, at, (part) => {
            current!.content += Buffer.from(part).toString('latin1');
          });
        }
        if (!current.reader.done) continue;
        requests.push({ head: current.head, content: current.content });
        current = undefined;
      }
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { requests, error: error.status };
  }
  return { requests, error: null };
}

const one = (text: string, tolerance = strict): Parsed => parse([Buffer.from(text, 'latin1')], tolerance);
const status = (text: string): number | null => one(text).error;

describe('requests that are refused (RFC 9112)', () => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n';
  it.each<[string, string, number]>([
    ['3: no request line', 'nonsense\r\n\r\n', 400],
    ['3: two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['3: a method that is no token', 'G(T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['3: a target with a control character', 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['2.3: another major version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['2.3: another minor version', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['2.3: no version at all', 'GET / HTTP/x\r\nHost: a\r\n\r\n', 400],
    ['3.2: no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['3.2: two of them', `${head}Host: b\r\n\r\n`, 400],
    ['3.2: a malformed one', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['5.1: space before the colon', `${head}A : b\r\n\r\n`, 400],
    ['5.1: no colon', `${head}nonsense\r\n\r\n`, 400],
    ['5.2: a folded line', `${head}A: b\r\n c\r\n\r\n`, 400],
    ['2.2: a bare CR', `${head}A: b\rc\r\n\r\n`, 400],
    ['2.2: a bare LF', `${head}A: b\nC: d\r\n\r\n`, 400],
    ['RFC 9110, 5.5: NUL', `${head}A: b\0c\r\n\r\n`, 400],
    ['6.1: both lengths', `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    ['6.3: two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ['6.3: a list of lengths', `${head}Content-Length: 1, 1\r\n\r\n`, 400],
    ['6.2: a length with a sign', `${head}Content-Length: +1\r\n\r\n`, 400],
    ['6.2: a length beyond numbers', `${head}Content-Length: 99999999999999999999\r\n\r\n`, 400],
    ['6.1: an unknown coding', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    ['6.1: chunked is not the last', `${head}Transfer-Encoding: chunked, gzip\r\n\r\n`, 400],
    ['6.1: chunked twice', `${head}Transfer-Encoding: chunked, chunked\r\n\r\n`, 400],
    ['6.1: a coding in HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['7.1.1: chunk extensions', `${head}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n`, 400],
    ['7.1: a size that is none', `${head}Transfer-Encoding: chunked\r\n\r\nx\r\n`, 400],
    ['7.1: a size with 0x', `${head}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n`, 400],
    ['7.1: a chunk that is longer', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`, 400],
    ['7.1: a chunk line with a bare LF', `${head}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n`, 400],
    ['7.1.2: a malformed trailer', `${head}Transfer-Encoding: chunked\r\n\r\n0\r\nnonsense\r\n\r\n`, 400],
    ['3: too long a line', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n`, 414],
    ['5.4: too large a head', `${head}A: ${'a'.repeat(40_000)}`, 431],
    ['5.4: too many fields', `${head}${'a: b\r\n'.repeat(200)}\r\n`, 431],
  ])('%s', (_rule, text, expected) => {
    expect(status(text)).toBe(expected);
  });
});

describe('requests that are taken', () => {
  it('ignores empty lines before a request (2.2), also when split', () => {
    expect(one('\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n').requests).toHaveLength(1);
    const split = ['\r', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'].map((part) => Buffer.from(part));
    expect(parse(split)).toMatchObject({ error: null, requests: [{ head: { method: 'GET' } }] });
  });
  it('knows what keeps the connection (9.3)', () => {
    const keeps = (version: string, connection: string): boolean | undefined =>
      one(`GET / HTTP/${version}\r\nHost: a\r\n${connection}\r\n`).requests[0]?.head.keepAlive;
    expect([
      keeps('1.1', ''),
      keeps('1.1', 'Connection: Close\r\n'),
      keeps('1.0', ''),
      keeps('1.0', 'Connection: keep-alive\r\n'),
    ]).toEqual([true, false, false, true]);
  });
  it('reads lengths, chunks and trailers, one request after the other', () => {
    const { requests } = one(
      'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\nT: x\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    expect(requests.map(({ head, content }) => [head.target, content])).toEqual([
      ['/a', 'abc'],
      ['/b', 'def'],
      ['/c', ''],
    ]);
  });
});

describe('heads without their last line feed', () => {
  const broken = 'GET / HTTP/1.1\r\nHost: a\r\n\r';
  it('are incomplete to the letter', () => {
    expect(one(broken).requests).toHaveLength(0);
  });
  it('are taken at the end of what has come, and a late line feed still belongs to them', () => {
    const tolerance: HeadTolerance = { missingLastLineFeed: 'at-end' };
    expect(one(broken, tolerance).requests).toHaveLength(1);
    const late = parse([Buffer.from(broken), Buffer.from(`\n${broken}`)], tolerance);
    expect(late).toMatchObject({ error: null, requests: [{}, {}] });
    const content = [
      Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r'),
      Buffer.from('\nhi'),
    ];
    expect(parse(content, tolerance).requests[0]?.content).toBe('hi');
  });
  it('of replies: also with content right after them', () => {
    const heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'anywhere' });
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\rhi');
    const { head, next } = heads.read(bytes, 0);
    expect(parseResponseHead(head as string, 10).fields.get('content-length')).toBe('2');
    expect(bytes.toString('latin1', next)).toBe('hi');
  });
});

describe('replies', () => {
  it('unfolds lines (RFC 9112, 5.2) and takes a status without reason', () => {
    const { status, fields } = parseResponseHead('HTTP/1.1 200\r\nA: b\r\n  c\r\n', 10);
    expect([status, fields.get('a')]).toEqual([200, 'b c']);
  });
  it.each(['HTTP/1.1 20 OK\r\n', 'HTTP/2 200\r\n', 'nonsense\r\n', 'HTTP/1.1 200 OK\r\nA b\r\n'])(
    'refuses %j as 502',
    (head) => {
      expect(() => parseResponseHead(head, 10)).toThrow(expect.objectContaining({ status: 502 }));
    },
  );
  it.each<[string, number, string, string]>([
    ['GET', 200, 'Content-Length: 5\r\n', 'length'],
    ['GET', 200, 'Content-Length: 5\r\nContent-Length: 5\r\n', 'length'],
    ['GET', 200, 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', 'chunked'],
    ['GET', 200, 'Transfer-Encoding: other\r\n', 'until-close'],
    ['GET', 200, '', 'until-close'],
    ['HEAD', 200, 'Content-Length: 5\r\n', 'none'],
    ['GET', 204, '', 'none'],
    ['GET', 304, 'Content-Length: 5\r\n', 'none'],
  ])('%s %i %j is framed by %s (6.3)', (method, code, lines, kind) => {
    const { fields } = parseResponseHead(`HTTP/1.1 ${code} x\r\n${lines}`, 10);
    expect(responseFraming(method, code, fields).kind).toBe(kind);
  });
});

describe('any segmentation gives the same', () => {
  const texts = fc.constantFrom(
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: b\r\n\r\n',
    'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.0\r\n\r\n',
    '\r\nGET /d HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX-Empty:\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n folded\r\n\r\n',
  );
  it('of requests', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 }), (text, lengths) => {
        const whole = Buffer.from(text, 'latin1');
        const segments: Buffer[] = [];
        let at = 0;
        for (const length of lengths) {
          segments.push(whole.subarray(at, at + length));
          at += length;
        }
        segments.push(whole.subarray(at));
        const summary = ({ requests, error }: Parsed): unknown => [
          error,
          requests.map(({ head, content }) => [head.method, head.target, head.fields.toJSON(), content]),
        ];
        expect(summary(parse(segments))).toEqual(summary(parse([whole])));
      }),
    );
  });
});
