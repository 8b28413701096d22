/**
 * The same replies given to our parser and to the client of node:http: where both take them whole, both must have
 * read the same, or a cache would store what its client never meant.
 */
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../runtime/random';
import { ContentReader } from './content-reader';
import { responseFraming } from './framing';
import { defaultHeadLimits, HeadReader } from './head-reader';
import { HttpError } from './http-error';
import { parseResponseHead } from './response-head';
import { isInterim } from './status';
import { mutate, replySeeds } from './testing/mutation';

const CASES = 1500;

/** Behind the coding node:http bears neither a tab nor an empty member, as RFC 9110, section 5.6.1.2, asks. */
const chunkedToUsAlone = /chunked[\t ]*[\t,]/i;

interface Read {
  status: number;
  fields: [string, string][];
  body: string;
}

/** A connection on which one reply comes, and then the end. */
function wire(bytes: Buffer): Duplex {
  let sent = false;
  return new Duplex({
    read() {},
    write(_request, _encoding, done) {
      if (!sent) {
        sent = true;
        this.push(bytes);
        this.push(null);
      }
      done();
    },
  });
}

/** What node:http makes of the bytes; null when it refuses them, or not all of the reply came. */
function byNode(method: string, bytes: Buffer): Promise<Read | null> {
  return new Promise((resolve) => {
    const asked = request({ method, host: 'a', createConnection: () => wire(bytes) }, (reply) => {
      const parts: Buffer[] = [];
      reply.on('data', (part: Buffer) => parts.push(part));
      reply.on('error', () => resolve(null));
      reply.on('close', () => {
        const fields: [string, string][] = [];
        for (let at = 0; at < reply.rawHeaders.length; at += 2)
          fields.push([String(reply.rawHeaders[at]).toLowerCase(), String(reply.rawHeaders[at + 1])]);
        const body = Buffer.concat(parts).toString('latin1');
        resolve(reply.complete ? { status: reply.statusCode ?? 0, fields, body } : null);
      });
    });
    asked.on('error', () => resolve(null));
    asked.end();
  });
}

function byUs(method: string, bytes: Buffer): Read | null {
  const heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'never' });
  try {
    for (let at = 0; at < bytes.length; ) {
      const { head: text, next } = heads.read(bytes, at);
      at = next;
      if (text === null) return null;
      const head = parseResponseHead(text, defaultHeadLimits.maxFields);
      if (isInterim(head.status)) continue;
      const content = new ContentReader(responseFraming(method, head.status, head.fields), {
        extensions: 'ignore',
      });
      let body = '';
      content.push(bytes, at, (part) => {
        body += Buffer.from(part).toString('latin1');
      });
      const fields = [...head.fields].map(([name, value]): [string, string] => [name, value]);
      return content.mayEnd ? { status: head.status, fields, body } : null;
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  }
  return null;
}

describe('mutated replies', () => {
  // A reply to HEAD has no content: to node:http most of these have bytes behind their end, which it refuses.
  it.each([
    ['GET', CASES / 4],
    ['HEAD', 40],
  ] as const)('to %s mean the same to node:http wherever both take them', async (method, atLeast) => {
    const random = seededRandom(9112);
    let compared = 0;
    for (let at = 0; at < CASES; at++) {
      const bytes = mutate(replySeeds, random);
      const ours = byUs(method, bytes);
      const theirs = await byNode(method, bytes);
      if (!ours || !theirs || chunkedToUsAlone.test(bytes.toString('latin1'))) continue;
      compared++;
      expect(ours, JSON.stringify(bytes.toString('latin1'))).toEqual(theirs);
    }
    expect(compared).toBeGreaterThan(atLeast);
  });
});
