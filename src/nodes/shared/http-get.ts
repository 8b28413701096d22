import type { Connection, NodeContext } from '../../runtime/context';

const MAX_HEAD = 64 * 1024;
const MAX_REDIRECTS = 5;

export interface HttpGetLimits {
  /** For the whole exchange, redirects included. */
  timeoutMs: number;
  /** A longer body is refused. */
  maxBytes: number;
}

/**
 * Fetches an http or https URL: HTTP/1.1, a connection of its own, redirects followed.
 * @returns the body of a 200
 * @throws Error that says why there is none
 */
export async function httpGet(context: NodeContext, url: string, limits: HttpGetLimits): Promise<Uint8Array> {
  const deadline = new AbortController();
  const timer = context.clock.after(limits.timeoutMs, () =>
    deadline.abort(new Error(`no complete answer within ${limits.timeoutMs} ms`)),
  );
  try {
    let target = new URL(url);
    for (let redirects = 0; ; redirects++) {
      const { status, headers, body } = await exchange(context, target, limits.maxBytes, deadline.signal);
      const location = headers.get('location');
      if (status >= 300 && status < 400 && location !== undefined) {
        if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
        target = new URL(location, target);
        continue;
      }
      if (status !== 200) throw new Error(`the server answers ${status}`);
      return body;
    }
  } finally {
    timer.cancel();
  }
}

interface HttpAnswer {
  status: number;
  /** Names in lower case; the last one of a name counts. */
  headers: Map<string, string>;
  body: Uint8Array;
}

async function exchange(
  context: NodeContext,
  url: URL,
  maxBytes: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') throw new Error(`${url.protocol} is neither http nor https`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const connection = await context.net.connect(
    { host, port: Number(url.port) || (secure ? 443 : 80) },
    { signal, ...(secure ? { tls: { serverName: host } } : {}) },
  );
  const onAbort = (): void => connection.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    connection.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: */*\r\n` +
        'Accept-Encoding: identity\r\nConnection: close\r\nUser-Agent: micro-cdn\r\n\r\n',
    );
    return await answerOf(connection, maxBytes);
  } finally {
    signal.removeEventListener('abort', onAbort);
    connection.destroy();
  }
}

/** Reads to the end that Content-Length, the last chunk or the connection gives. */
function answerOf(connection: Connection, maxBytes: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const look = (ended: boolean): void => {
      const parsed = parseAnswer(Buffer.concat(pieces), ended);
      if (parsed) resolve(parsed);
      else if (ended) reject(new Error('the connection ended in the middle of the answer'));
    };
    const attempt = (ended: boolean): void => {
      try {
        look(ended);
      } catch (error) {
        reject(error as Error);
      }
    };
    connection.handle({
      data: (bytes) => {
        pieces.push(Buffer.from(bytes));
        size += bytes.length;
        if (size > maxBytes + MAX_HEAD) reject(new Error(`the page is larger than ${maxBytes} bytes`));
        // "Connection: close" was asked for, so the end comes soon; looking at each piece would be quadratic.
        else if (pieces.length < 8 || (pieces.length & (pieces.length - 1)) === 0) attempt(false);
      },
      end: () => attempt(true),
      close: (error) => (error ? reject(error) : attempt(true)),
    });
  });
}

/** The whole answer; null when more bytes are needed. @throws Error for what is no HTTP/1.x answer */
function parseAnswer(bytes: Buffer, ended: boolean): HttpAnswer | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (bytes.length > MAX_HEAD) throw new Error('the answer has a head without end');
    return null;
  }
  const [statusLine = '', ...fields] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error('what answers is no HTTP/1.1 server');
  const headers = new Map(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).trim().toLowerCase(), field.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = bytes.subarray(headEnd + 4);
  const body = bodyOf(rest, headers, ended);
  return body && { status: Number(status), headers, body };
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>, ended: boolean): Buffer | null {
  if (headers.get('transfer-encoding')?.toLowerCase().endsWith('chunked')) return unchunked(rest);
  const length = headers.get('content-length');
  if (length === undefined) return ended ? rest : null;
  if (!/^\d{1,15}$/.test(length)) throw new Error('the answer has an impossible Content-Length');
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : null;
}

function unchunked(bytes: Buffer): Buffer | null {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = /^([0-9a-f]{1,8})\s*(?:;|$)/i.exec(bytes.toString('latin1', at, lineEnd))?.[1];
    if (size === undefined) throw new Error('the answer has a malformed chunk');
    const from = lineEnd + 2;
    const end = from + Number.parseInt(size, 16);
    if (size === '0'.repeat(size.length)) return Buffer.concat(chunks);
    if (bytes.length < end + 2) return null;
    chunks.push(bytes.subarray(from, end));
    at = end + 2;
  }
}
