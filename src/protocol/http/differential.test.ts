/**
 * The same bytes given to our parser and to the one of node:http: where both take them, both must see the same
 * requests, or somebody could smuggle one past the other.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../runtime/random';
import { ContentReader } from './content-reader';
import { defaultHeadLimits, HeadReader } from './head-reader';
import { HttpError } from './http-error';
import { parseRequestHead } from './request-head';

const CASES = 1500;

const seen: { method: string; url: string; headers: [string, string][]; body: string }[] = [];
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const headers: [string, string][] = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      headers.push([String(request.rawHeaders[at]).toLowerCase(), String(request.rawHeaders[at + 1])]);
    }
    seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers,
      body: Buffer.concat(parts).toString('latin1'),
    });
    response.end('ok');
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

/** What node:http makes of the bytes: the requests, and whether it refused any. */
function byNode(bytes: Buffer): Promise<{ requests: typeof seen; refused: boolean }> {
  seen.length = 0;
  return new Promise((resolve) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let answer = '';
    socket.on('data', (part) => {
      answer += part.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ requests: [...seen], refused: / 4\d\d /.test(answer) }));
    socket.end(bytes);
  });
}

function byUs(bytes: Buffer): { requests: typeof seen; refused: boolean } {
  const heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'never' });
  const requests: typeof seen = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const { head: text, next } = heads.read(bytes, at);
      at = next;
      if (text === null) break;
      const head = parseRequestHead(text, defaultHeadLimits.maxFields);
      const content = new ContentReader(head.framing, { extensions: 'refuse' });
      let body = '';
      at = content.push(bytes, at, (part) => {
        body += Buffer.from(part).toString('latin1');
      });
      if (!content.done) break;
      const headers = head.fields
        .toJSON()
        .map(([name, value]): [string, string] => [name.toLowerCase(), value]);
      requests.push({ method: head.method, url: head.target, headers, body });
      if (!head.keepAlive) break;
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { requests, refused: true };
  }
  return { requests, refused: false };
}

const seeds = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'PUT /e HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /f HTTP/1.0\r\nConnection: keep-alive\r\nX-A: 1\r\nX-A: 2\r\n\r\n',
  'DELETE /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
];
const fragments = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  '\0',
  '\x0b',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'chunked',
  ' chunked',
  'HTTP/1.1',
  '0',
  '5',
  'ff',
  '+',
  '-',
  ';x=y',
  '"',
  '%00',
  'é',
  'Host: b\r\n',
  '\r\n\r\n',
  'Content-Length : 1\r\n',
  ' folded\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
];

function mutate(random: () => number): Buffer {
  const draw = (sides: number): number => Math.floor(random() * sides);
  let text = seeds[draw(seeds.length)] as string;
  for (let changes = 1 + draw(3); changes > 0; changes--) {
    const at = draw(text.length + 1);
    const removed = draw(3) === 0 ? 1 + draw(6) : 0;
    const added =
      draw(4) === 0 ? String.fromCharCode(draw(256)) : (fragments[draw(fragments.length)] as string);
    text = text.slice(0, at) + (draw(3) === 0 ? '' : added) + text.slice(at + removed);
  }
  return Buffer.from(text, 'latin1');
}

describe('mutated requests', () => {
  it('mean the same to node:http wherever both take them', async () => {
    const random = seededRandom(9112);
    let compared = 0;
    for (let at = 0; at < CASES; at++) {
      const bytes = mutate(random);
      const ours = byUs(bytes);
      const theirs = await byNode(bytes);
      const common = Math.min(ours.requests.length, theirs.requests.length);
      compared += common;
      expect(theirs.requests.slice(0, common), JSON.stringify(bytes.toString('latin1'))).toEqual(
        ours.requests.slice(0, common),
      );
      // More requests than they see, in bytes that they did not refuse, would be one smuggled past them.
      if (!theirs.refused && !ours.refused) {
        expect(ours.requests.length, JSON.stringify(bytes.toString('latin1'))).toBe(theirs.requests.length);
      }
    }
    expect(compared).toBeGreaterThan(CASES / 4);
  }, 120_000);
});
