import { describe, expect, it } from 'vitest';
import { type SocketLike, SocketTransport } from './socket-transport';

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.onclose?.();
  }
  receive(message: unknown): void {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
  hello(): void {
    this.onopen?.();
    this.receive({ hello: {} });
  }
}

function setUp() {
  const sockets: FakeSocket[] = [];
  const timers = new Map<number, { run: () => void; ms: number }>();
  let next = 0;
  const transport = new SocketTransport('secret', {
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    setTimer: (run, ms) => {
      timers.set(++next, { run, ms });
      return next;
    },
    clearTimer: (timer) => timers.delete(timer as number),
    random: () => 1,
  });
  const socket = () => sockets.at(-1) as FakeSocket;
  /** Runs the timers that end within `ms`; returns how many. */
  const elapse = (ms: number) => {
    const due = [...timers].filter(([, timer]) => timer.ms <= ms);
    for (const [id, timer] of due) {
      timers.delete(id);
      timer.run();
    }
    return due.length;
  };
  const states: unknown[][] = [];
  transport.onConnection((...state) => states.push(state));
  return { transport, sockets, socket, elapse, states, timers };
}

describe('SocketTransport', () => {
  it('sends the token first, and calls once it is accepted', async () => {
    const { transport, socket } = setUp();
    const answer = transport.call('workspace.list', {});
    socket().onopen?.();
    expect(socket().sent).toEqual([{ token: 'secret' }]);
    socket().receive({ hello: {} });
    expect(socket().sent[1]).toMatchObject({ call: 'workspace.list', input: {} });
    socket().receive({ id: socket().sent[1]?.id, ok: [] });
    await expect(answer).resolves.toEqual([]);
  });

  it('keeps code and hint of an error', async () => {
    const { transport, socket } = setUp();
    socket().hello();
    const answer = transport.call('workspace.undo', {});
    socket().receive({ id: 1, error: { code: 'NOTHING', message: 'Nothing to undo.', hint: 'Edit first.' } });
    await expect(answer).rejects.toMatchObject({ code: 'NOTHING', hint: 'Edit first.' });
  });

  it('hands batches to those who subscribed', () => {
    const { transport, socket } = setUp();
    const seen: number[] = [];
    const end = transport.subscribe((batch) => seen.push(batch.seq));
    socket().hello();
    socket().receive({ batch: { seq: 1, events: [] } });
    end();
    socket().receive({ batch: { seq: 2, events: [] } });
    expect(seen).toEqual([1]);
  });

  it('gives up a call that is not answered', async () => {
    const { transport, socket, elapse } = setUp();
    socket().hello();
    const answer = transport.call('files.list', { node: 'a' });
    elapse(30_000);
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('never sends a call twice: one that was under way fails, one that waits is sent later', async () => {
    const { transport, socket, sockets, elapse } = setUp();
    socket().hello();
    const underWay = transport.call('workspace.undo', {});
    socket().close();
    const waiting = transport.call('workspace.redo', {});
    await expect(underWay).rejects.toMatchObject({ code: 'DISCONNECTED' });
    elapse(250);
    expect(sockets).toHaveLength(2);
    socket().hello();
    expect(socket().sent.map(({ call }) => call)).toEqual([undefined, 'workspace.redo']);
    socket().receive({ id: 2 });
    await expect(waiting).resolves.toBeUndefined();
  });

  it('waits longer after each failed attempt, and says when it looks lost', () => {
    const { socket, timers, states } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      socket().close();
      const [id, timer] = [...timers].at(-1) as [number, { run: () => void; ms: number }];
      waits.push(timer.ms);
      timers.delete(id);
      timer.run();
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(states.map(([state]) => state)).toEqual([...Array(6).fill('reconnecting'), 'lost', 'lost']);
    socket().hello();
    expect(states.at(-1)).toEqual(['connected']);
  });

  it('does not try again with a token that was refused', async () => {
    const { transport, socket, sockets, states, elapse } = setUp();
    const early = transport.call('workspace.list', {});
    socket().onopen?.();
    socket().receive({ error: { code: 'BAD_TOKEN', message: 'The token is not valid.' } });
    await expect(early).rejects.toMatchObject({ code: 'BAD_TOKEN' });
    expect(states.at(-1)).toEqual(['lost', 'The token is not valid.']);
    elapse(60_000);
    expect(sockets).toHaveLength(1);
    await expect(transport.call('workspace.list', {})).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('closes a connection on which no answer to the token comes', () => {
    const { sockets, socket, elapse } = setUp();
    socket().onopen?.();
    elapse(10_000);
    elapse(250);
    expect(sockets).toHaveLength(2);
  });

  it('does not stumble over what is not of the protocol', async () => {
    const { transport, socket } = setUp();
    socket().hello();
    const answer = transport.call('workspace.list', {});
    for (const noise of ['', 'null', '[', '7', '{"id":99}']) socket().receive(noise);
    socket().receive({ id: 1, ok: [] });
    await expect(answer).resolves.toEqual([]);
  });
});
