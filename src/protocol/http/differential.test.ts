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
import { mutate, requestSeeds } from './testing/mutation';

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

describe('mutated requests', () => {
  it('mean the same to node:http wherever both take them', async () => {
    const random = seededRandom(9112);
    let compared = 0;
    for (let at = 0; at < CASES; at++) {
      const bytes = mutate(requestSeeds, random);
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
