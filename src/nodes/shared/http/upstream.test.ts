/** The client side on a network in memory: whose silence counts, and in what state a connection is kept. */
import { describe, expect, it } from 'vitest';
import { Fields } from '../../../protocol/http/fields';
import type { Connection } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { defaultUpstreamOptions, Upstream, type UpstreamCall, type UpstreamContent } from './upstream';

const AT = { host: '127.0.0.1', port: 8000 };
const REPLY_MS = 1000;

/** An upstream, and a server that does what `accept` says with each of its connections. */
async function connect(accept: (connection: Connection) => void) {
  const world = new Simulation();
  await world.context('server').net.listen(AT, accept);
  const upstream = new Upstream(world.context('client'), { ...defaultUpstreamOptions, replyMs: REPLY_MS });
  /** Asks, and shows what has come of it; `onPart` is called for each part of the content. */
  const ask = (content?: UpstreamContent, onPart?: (call: UpstreamCall) => void) => {
    const seen = { status: 0, text: '', ended: false, error: undefined as string | undefined };
    const fields = Fields.of(['Host', 'a']);
    const method = content ? 'POST' : 'GET';
    const call: UpstreamCall = upstream.fetch(
      AT,
      { method, target: '/', fields, ...(content ? { content } : {}) },
      {
        head: (head) => {
          seen.status = head.status;
        },
        part: (bytes) => {
          seen.text += Buffer.from(bytes).toString('latin1');
          onPart?.(call);
        },
        end: () => {
          seen.ended = true;
        },
        failed: (error) => {
          seen.error = error.kind;
        },
      },
    );
    return { seen, call };
  };
  return { world, ask };
}

describe('Upstream', () => {
  it('does not take our own pause for the silence of a server', async () => {
    const { world, ask } = await connect((connection) => {
      connection.handle({
        data: () => {
          connection.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
          world.clock.after(100, () => connection.write('rest'));
        },
      });
    });
    const { seen, call } = ask(undefined, (running) => running.pause());
    await world.advance(10 * REPLY_MS);
    expect(seen).toMatchObject({ text: 'half', error: undefined });
    call.resume();
    await world.settle();
    expect(seen).toMatchObject({ text: 'halfrest', ended: true });
  });

  it('counts the silence of a server again when it is read again', async () => {
    const { world, ask } = await connect((connection) =>
      connection.handle({ data: () => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf') }),
    );
    const { seen, call } = ask(undefined, (running) => running.pause());
    await world.advance(10 * REPLY_MS);
    call.resume();
    await world.advance(2 * REPLY_MS);
    expect(seen.error).toBe('timeout');
  });

  it('keeps no connection that is paused: the next request on it would wait for ever', async () => {
    const accepted: Connection[] = [];
    const { world, ask } = await connect((connection) => {
      accepted.push(connection);
      connection.handle({
        data: () => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'),
      });
    });
    const first = ask(undefined, (running) => running.pause());
    await world.settle();
    expect(first.seen).toMatchObject({ text: 'body', ended: true });
    const second = ask();
    await world.settle();
    expect(second.seen).toMatchObject({ text: 'body', ended: true });
    expect(accepted).toHaveLength(1);
  });

  it('waits for a client that sends its content slowly, and then for the server', async () => {
    const { world, ask } = await connect((connection) => connection.handle({ data: () => {} }));
    let out: Parameters<UpstreamContent['start']>[0] | undefined;
    const start: UpstreamContent['start'] = (given) => {
      out = given;
    };
    const { seen } = ask({ length: 4, start, pause: () => {}, resume: () => {} });
    await world.advance(10 * REPLY_MS);
    expect(seen.error).toBeUndefined();
    out?.write(Buffer.from('body'));
    out?.end();
    await world.advance(2 * REPLY_MS);
    expect(seen.error).toBe('timeout');
  });

  it('gives up on a server that takes no more of the content', async () => {
    const { world, ask } = await connect((connection) => {
      connection.handle({ data: () => {} });
      connection.pause();
    });
    let waits = false;
    const start: UpstreamContent['start'] = (out) => {
      while (!waits) out.write(Buffer.alloc(1024 * 1024));
    };
    const pause = (): void => {
      waits = true;
    };
    const { seen } = ask({ length: undefined, start, pause, resume: () => {} });
    await world.advance(2 * REPLY_MS);
    expect([waits, seen.error]).toEqual([true, 'timeout']);
  });
});
