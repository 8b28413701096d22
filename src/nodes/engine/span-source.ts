/** A content server of our own kind as a source: spans, pipelined over one connection. */
import type { Endpoint } from '../../contract/endpoint';
import { LineFramer } from '../../protocol/line-framer';
import { MAX_LINE_BYTES } from '../../protocol/micro-cdn';
import { PIECE_HASH_BYTES, parseHashesAnswer, parseSpanAnswer, spans } from '../../protocol/micro-cdn-spans';
import { isSoundLayout, layoutOf } from '../../protocol/pieces/layout';
import type { NodeContext } from '../../runtime/context';
import { type PieceHashes, rootHash } from './piece-hashes';
import { finalError, PipelinedSource, type RangeDialect, type Replies } from './pipelined-source';
import type { Span } from './source';

const MAX_PIECES = 1 << 20;
/** A server may have to read the whole file before it can tell the hashes: at least so many bytes a millisecond. */
const HASHED_BYTES_PER_MS = 50_000;

/** @param id the server's id. @param size of the whole file: a server that has another size has another file */
export function spanSource(
  context: NodeContext,
  id: string,
  at: Endpoint,
  file: { name: string; size: number },
): PipelinedSource {
  return new PipelinedSource(context, id, at, new SpanDialect(file.name, file.size));
}

class SpanDialect implements RangeDialect {
  readonly #name: string;
  readonly #size: number;

  constructor(name: string, size: number) {
    this.#name = name;
    this.#size = size;
  }

  request({ offset, length }: Span): string {
    return spans.span(offset, length, this.#name);
  }

  probe(): string {
    return spans.span(0, 0, this.#name);
  }

  reader(replies: Replies): { push(bytes: Uint8Array): void } {
    const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES, carriageReturn: false });
    let left = 0;
    const sink = {
      line: (line: string) => {
        const { expected } = replies;
        const answer = parseSpanAnswer(line);
        if (!answer) throw finalError(`It answered ${JSON.stringify(line.slice(0, 80))}.`);
        const { offset, length } =
          expected === 'probe' ? { offset: 0, length: 0 } : (expected ?? { offset: -1, length: 0 });
        if (answer.offset !== offset || answer.length !== length)
          throw finalError('It sent another span than was asked for.');
        if (answer.size !== this.#size) throw finalError(`Its file has ${answer.size} bytes.`);
        left = length;
        if (left === 0) replies.end(false);
        else framer.expectBytes(left);
      },
      bytes: (part: Uint8Array) => {
        left -= part.length;
        replies.bytes(part);
        if (left === 0) replies.end(false);
      },
      overflow: () => {
        throw finalError('It does not speak this protocol.');
      },
    };
    return { push: (bytes) => framer.push(bytes, sink) };
  }
}

/**
 * Asks a content server for the hashes of a file's pieces.
 * @throws when it cannot be reached, does not have the file, or answers nonsense
 */
export async function fetchPieceHashes(
  context: NodeContext,
  at: Endpoint,
  file: { name: string; size: number },
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<PieceHashes> {
  const { signal, timeoutMs } = options;
  const connection = await context.net.connect(at, { signal, timeoutMs });
  const framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES, carriageReturn: false });
  try {
    return await new Promise<PieceHashes>((resolve, reject) => {
      let hashes = Buffer.alloc(0);
      let layout = layoutOf(0);
      let received = 0;
      const done = (): void => resolve({ layout, hashes, root: rootHash(layout, hashes) });
      const sink = {
        line: (line: string) => {
          const answer = parseHashesAnswer(line);
          if (!answer) return reject(new Error(`It answered ${JSON.stringify(line.slice(0, 80))}.`));
          layout = layoutOf(answer.size, answer.pieceSize);
          const sound =
            isSoundLayout(layout, MAX_PIECES) && layout.count === answer.count && layout.size === file.size;
          if (!sound) return reject(new Error('Its file is cut in another way than its size says.'));
          hashes = Buffer.alloc(layout.count * PIECE_HASH_BYTES);
          if (hashes.length === 0) return done();
          framer.expectBytes(hashes.length);
        },
        bytes: (part: Uint8Array) => {
          hashes.set(part, received);
          received += part.length;
          if (received === hashes.length) done();
        },
        overflow: () => reject(new Error('It does not speak this protocol.')),
      };
      const aborted = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', aborted, { once: true });
      connection.setIdle(timeoutMs + file.size / HASHED_BYTES_PER_MS, () =>
        reject(new Error('It does not answer.')),
      );
      connection.handle({
        data: (bytes) => framer.push(bytes, sink),
        close: (error) =>
          reject(error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' })),
      });
      connection.write(spans.hashes(file.name));
    });
  } finally {
    connection.destroy();
  }
}
