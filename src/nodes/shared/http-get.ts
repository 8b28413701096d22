import { ContentReader } from '../../protocol/http/content-reader';
import { responseFraming } from '../../protocol/http/framing';
import { defaultHeadLimits, HeadReader } from '../../protocol/http/head-reader';
import { parseResponseHead, type ResponseHead } from '../../protocol/http/response-head';
import type { Connection, NodeContext } from '../../runtime/context';

const MAX_REDIRECTS = 5;

export interface HttpGetLimits {
  /** For the whole exchange, redirects included. */
  timeoutMs: number;
  /** A longer body is refused. */
  maxBytes: number;
}

/**
 * Fetches an http or https URL: a connection of its own, redirects followed.
 * @returns the body of a 200
 * @throws Error that says why there is none
 */
export async function httpGet(
  context: Pick<NodeContext, 'net' | 'clock'>,
  url: string,
  limits: HttpGetLimits,
): Promise<Uint8Array> {
  const deadline = new AbortController();
  const timer = context.clock.after(limits.timeoutMs, () =>
    deadline.abort(new Error(`no complete answer within ${limits.timeoutMs} ms`)),
  );
  try {
    let target = new URL(url);
    for (let redirects = 0; ; redirects++) {
      const { head, body } = await exchange(context, target, limits.maxBytes, deadline.signal);
      const location = head.fields.get('location');
      if (head.status >= 300 && head.status < 400 && location !== undefined) {
        if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
        target = new URL(location, target);
        continue;
      }
      if (head.status !== 200) throw new Error(`the server answers ${head.status}`);
      return body;
    }
  } finally {
    timer.cancel();
  }
}

interface Answer {
  head: ResponseHead;
  body: Uint8Array;
}

async function exchange(
  { net }: Pick<NodeContext, 'net'>,
  url: URL,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Answer> {
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') throw new Error(`${url.protocol} is neither http nor https`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const connection = await net.connect(
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
    return await receive(connection, maxBytes);
  } finally {
    signal.removeEventListener('abort', onAbort);
    connection.destroy();
  }
}

function receive(connection: Connection, maxBytes: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(maxBytes);
    const attempt = (step: () => Answer | null): void => {
      try {
        const answer = step();
        if (answer) resolve(answer);
      } catch (error) {
        reject(error as Error);
      }
    };
    connection.handle({
      data: (bytes) => attempt(() => reader.push(bytes)),
      end: () => attempt(() => reader.end()),
      close: (error) => (error ? reject(error) : attempt(() => reader.end())),
    });
  });
}

class AnswerReader {
  readonly #heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'anywhere' });
  #begun: { head: ResponseHead; content: ContentReader } | undefined;
  readonly #parts: Buffer[] = [];
  #size = 0;

  constructor(readonly maxBytes: number) {}

  /** The answer once it is complete. @throws Error for what is no answer, or too long a one */
  push(bytes: Uint8Array): Answer | null {
    let at = 0;
    // Interim answers (1xx) have a head and nothing else, and come before the real one.
    while (!this.#begun) {
      const { head: text, next } = this.#heads.read(bytes, at);
      if (text === null) return null;
      at = next;
      const head = parseResponseHead(text, defaultHeadLimits.maxFields);
      if (head.status < 200) continue;
      const framing = responseFraming('GET', head.status, head.fields);
      const content = ContentReader.after(this.#heads, framing, { extensions: 'ignore' });
      this.#begun = { head, content };
    }
    this.#begun.content.push(bytes, at, (part) => this.#take(part));
    return this.#begun.content.done ? this.#answer() : null;
  }

  /** The connection has ended. @throws Error when that is too early */
  end(): Answer {
    if (!this.#begun?.content.mayEnd) throw new Error('the connection ended in the middle of the answer');
    return this.#answer();
  }

  #take(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > this.maxBytes) throw new Error(`the page is larger than ${this.maxBytes} bytes`);
    this.#parts.push(Buffer.from(part));
  }

  #answer(): Answer {
    return { head: this.#begun?.head as ResponseHead, body: Buffer.concat(this.#parts) };
  }
}
