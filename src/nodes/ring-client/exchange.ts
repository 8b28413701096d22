import { createHash } from 'node:crypto';
import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { abortable } from '../../protocol/abortable';
import { MAX_BODY } from '../../protocol/ring-frames';
import { FOREIGN_LIMIT, NOT_FOUND } from '../../protocol/ring-messages';
import type { Endpoint, NodeContext, ReadableFile } from '../../runtime/context';
import { reasonOf, sentenceOf } from '../shared/error-text';
import { PeerLink } from '../shared/ring/peer-link';
import { PlainSender } from '../shared/ring/plain';

/** How long a member may take to show that it is one of ours, ms. */
const LOOK_MS = 300;

export interface RingExchangeOptions {
  member: Endpoint;
  timeoutMs: number;
  strict: boolean;
  signal: AbortSignal;
}

export interface ContentSink {
  begin(): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
}

/** PUT and GET at one member: over a link where it is one of ours, as the seed's messages where it is not. */
export class RingExchange {
  readonly #plain: PlainSender;

  constructor(
    readonly context: NodeContext,
    readonly options: RingExchangeOptions,
  ) {
    this.#plain = new PlainSender(context, options.timeoutMs);
  }

  /** @returns the member's status, '200 OK' when all have it. @throws StudioError */
  async put(item: string, file: ReadableFile): Promise<string> {
    const link = await this.#link();
    if (!link) return this.#putPlain(item, file);
    try {
      await this.#ask(link, { op: 'put-begin' });
      const buffer = Buffer.allocUnsafe(Math.min(MAX_BODY, Math.max(1, file.size)));
      let at = 0;
      for (let read = await file.read(buffer, at); read > 0; read = await file.read(buffer, at)) {
        await this.#ask(link, { op: 'put-piece' }, buffer.subarray(0, read));
        at += read;
      }
      const { header } = await this.#ask(link, { op: 'put-end', name: item });
      return String(header.status);
    } finally {
      link.close();
    }
  }

  /** @returns the SHA-256 in hex. @throws StudioError of code 'NOT_FOUND' and others */
  async get(item: string, sink: ContentSink): Promise<string> {
    const link = await this.#link();
    if (!link) return this.#getPlain(item, sink);
    try {
      // A damaged copy is mended by its member, from the others: the second time it is right.
      for (let attempt = 1; ; attempt++) {
        const { header } = await this.#ask(link, { op: 'get', name: item });
        const found = header.item as { size: number; sha256: string } | undefined;
        if (!found) throw notFound(item, this.options.member);
        const sha256 = await this.#receive(link, found.size, sink);
        if (sha256 === found.sha256) return sha256;
        if (attempt === 2)
          throw new StudioError('DAMAGED', `"${item}" arrived damaged twice.`, 'Try another member.');
        await this.#ask(link, { op: 'get-damaged', name: item });
      }
    } finally {
      link.close();
    }
  }

  async #receive(link: PeerLink, size: number, sink: ContentSink): Promise<string> {
    const hash = createHash('sha256');
    await sink.begin();
    for (let offset = 0; offset < size; ) {
      const { body } = await this.#ask(link, { op: 'get-piece', offset });
      if (body.length === 0)
        throw new StudioError('BROKEN_OFF', 'The file became shorter while it was sent.');
      hash.update(body);
      await sink.write(body);
      offset += body.length;
    }
    return hash.digest('hex');
  }

  async #putPlain(item: string, file: ReadableFile): Promise<string> {
    const bytes = Buffer.alloc(Math.min(file.size, FOREIGN_LIMIT));
    const read = await file.read(bytes, 0);
    const content = bytes.toString('utf8', 0, read);
    const message = { type: 'PUT' as const, data: { item, content } };
    if (file.size >= FOREIGN_LIMIT || Buffer.byteLength(JSON.stringify(message)) >= FOREIGN_LIMIT) {
      throw new StudioError(
        'TOO_LONG',
        `"${item}" is too long: the member at ${formatEndpoint(this.options.member)} reads ${FOREIGN_LIMIT} bytes at most.`,
        'Use a member of Micro-CDN Studio, which takes files of any size.',
      );
    }
    if (!Buffer.from(content, 'utf8').equals(bytes.subarray(0, read))) {
      throw new StudioError('NOT_TEXT', `"${item}" is not text, which is all that this member takes.`);
    }
    const answer = await this.#reached(() => this.#plain.ask(formatEndpoint(this.options.member), message));
    if (answer?.type === 'PUT' && 'status' in answer.data) return answer.data.status;
    throw this.#noAnswer();
  }

  async #getPlain(item: string, sink: ContentSink): Promise<string> {
    const message = { type: 'GET' as const, data: item };
    const answer = await this.#reached(() => this.#plain.ask(formatEndpoint(this.options.member), message));
    if (answer?.type !== 'GET' || typeof answer.data === 'string') throw this.#noAnswer();
    if (answer.data.content === NOT_FOUND) throw notFound(item, this.options.member);
    const bytes = Buffer.from(answer.data.content, 'utf8');
    await sink.begin();
    await sink.write(bytes);
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** Null for a foreign member. */
  async #link(): Promise<PeerLink | null> {
    const { member, timeoutMs, strict, signal } = this.options;
    if (strict) return null;
    const look = await abortable(this.#plain.look(formatEndpoint(member), LOOK_MS), signal);
    if (look.is === 'gone') throw this.#unreachable('nothing listens there');
    if (look.is === 'unreachable') throw this.#unreachable('there is no way to it');
    if (look.is !== 'ours') return null;
    return this.#reached(async () => {
      const link = await PeerLink.open(this.context.net, this.context.clock, member, timeoutMs);
      // Nobody waits for it any more.
      if (signal.aborted) link.close();
      return link;
    });
  }

  #ask(link: PeerLink, header: Record<string, unknown>, body?: Uint8Array): ReturnType<PeerLink['request']> {
    return this.#reached(() => link.request(header, this.options.timeoutMs, body));
  }

  async #reached<Value>(attempt: () => Promise<Value>): Promise<Value> {
    const { signal } = this.options;
    try {
      return await abortable(attempt(), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#unreachable(reasonOf(error), error);
    }
  }

  #unreachable(why: string, cause?: unknown): StudioError {
    return new StudioError(
      'MEMBER_UNREACHABLE',
      `The ring member at ${formatEndpoint(this.options.member)} cannot be reached: ${sentenceOf(why)}`,
      'Check its address and port, or ask another member.',
      { cause },
    );
  }

  #noAnswer(): StudioError {
    return new StudioError(
      'NO_ANSWER',
      `The ring member at ${formatEndpoint(this.options.member)} did not answer.`,
      'Ask another member.',
    );
  }
}

function notFound(item: string, member: Endpoint): StudioError {
  return new StudioError('NOT_FOUND', `No member of the ring at ${formatEndpoint(member)} has "${item}".`);
}
