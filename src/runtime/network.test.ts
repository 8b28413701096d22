/** One suite for every network: what holds for real sockets must hold in memory, or tests would lie. */
import { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { Connection, Endpoint, Network } from './context';
import { FlowMeter } from './flow-meter';
import { systemNetwork } from './network';
import { MemoryNetwork } from './testing/memory-network';

const anyPort: Endpoint = { host: '127.0.0.1', port: 0 };

interface Heard {
  text: string;
  ended: boolean;
  closed: boolean;
  error?: Error;
}

function hear(connection: Connection, onData?: (text: string) => void): Heard {
  const heard: Heard = { text: '', ended: false, closed: false };
  connection.handle({
    data: (bytes) => {
      const text = Buffer.from(bytes).toString();
      heard.text += text;
      onData?.(text);
    },
    end: () => {
      heard.ended = true;
      connection.end();
    },
    close: (error) => {
      heard.closed = true;
      if (error) heard.error = error;
    },
  });
  return heard;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function pair(
  network: Network,
): Promise<{ client: Connection; server: Connection; stop: () => Promise<void> }> {
  let accepted: ((connection: Connection) => void) | undefined;
  const server = new Promise<Connection>((resolve) => {
    accepted = resolve;
  });
  const listener = await network.listen(anyPort, (connection) => accepted?.(connection));
  const client = await network.connect(listener.local);
  return { client, server: await server, stop: () => listener.close() };
}

describe.each([
  ['real sockets', () => systemNetwork(new FlowMeter())],
  ['in memory', () => new MemoryNetwork().host('one')],
])('a network of %s', (_name, make) => {
  it('carries bytes both ways, in order, and tells the end and the close', async () => {
    const { client, server, stop } = await pair(make());
    const atClient = hear(client);
    const atServer = hear(server, (text) => server.write(text.toUpperCase()));
    client.write('hello ');
    client.write('wörld');
    await until(() => atClient.text === 'HELLO WÖRLD');
    client.end(' bye');
    await until(() => atServer.closed && atClient.closed);
    expect(atServer).toMatchObject({ text: 'hello wörld bye', ended: true });
    expect(atClient.error).toBeUndefined();
    await stop();
  });

  it('keeps what arrives before anybody listens', async () => {
    const { client, server, stop } = await pair(make());
    client.end('early');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const atServer = hear(server);
    await until(() => atServer.ended);
    expect(atServer.text).toBe('early');
    hear(client);
    await until(() => atServer.closed);
    await stop();
  });

  it('lets one side go on sending after the other has ended', async () => {
    const { client, server, stop } = await pair(make());
    const atClient = hear(client);
    server.handle({ data: () => {}, end: () => server.end('last words') });
    client.end();
    await until(() => atClient.ended);
    expect(atClient.text).toBe('last words');
    await stop();
  });

  it('holds the sender back while the reader pauses, and loses nothing', async () => {
    const { client, server, stop } = await pair(make());
    const block = Buffer.alloc(1 << 20, 'x');
    let received = 0;
    server.handle({
      data: (bytes) => {
        received += bytes.length;
      },
    });
    server.pause();
    const blocks = 32;
    let taken = 0;
    const sending = (async () => {
      for (let sent = 0; sent < blocks; sent++) {
        await client.send(block);
        taken++;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(taken).toBeLessThan(blocks);
    server.resume();
    await sending;
    await until(() => received === blocks * block.length);
    client.destroy();
    await stop();
  });

  it('rejects a send when the connection goes away', async () => {
    const { client, server, stop } = await pair(make());
    hear(client);
    server.pause();
    const sending = (async () => {
      for (;;) await client.send(Buffer.alloc(1 << 20));
    })();
    const outcome = expect(sending).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.reset();
    await outcome;
    await stop();
  });

  it('tells a reset from a close', async () => {
    const { client, server, stop } = await pair(make());
    const atClient = hear(client);
    hear(server);
    server.reset();
    await until(() => atClient.closed);
    expect(atClient.error).toMatchObject({ code: 'ECONNRESET' });
    await stop();
  });

  it('refuses connections after the listener has closed, and keeps the open ones', async () => {
    const network = make();
    let server: Connection | undefined;
    const listener = await network.listen(anyPort, (connection) => {
      server = connection;
      hear(connection);
    });
    const client = await network.connect(listener.local);
    const atClient = hear(client);
    await until(() => server !== undefined);
    await listener.close();
    await expect(network.connect(listener.local)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    server?.write('still here');
    await until(() => atClient.text === 'still here');
    client.end();
    await until(() => atClient.closed);
  });

  it('names a port that is taken', async () => {
    const network = make();
    const listener = await network.listen(anyPort, () => {});
    await expect(network.listen(listener.local, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await listener.close();
    const socket = await network.bind(anyPort, () => {});
    await expect(network.bind(socket.local, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await socket.close();
  });

  it('sends datagrams', async () => {
    const network = make();
    const got: string[] = [];
    const receiver = await network.bind(anyPort, (bytes, from) =>
      got.push(`${from.port} ${Buffer.from(bytes).toString()}`),
    );
    const sender = await network.bind(anyPort, () => {});
    sender.send('HEARTBEAT CS1', receiver.local);
    await until(() => got.length === 1);
    expect(got).toEqual([`${sender.local.port} HEARTBEAT CS1`]);
    await sender.close();
    sender.send('after close', receiver.local);
    await receiver.close();
  });

  it.each([0, 65_536, Number.NaN])('drops a datagram to port %s, and goes on sending', async (port) => {
    const network = make();
    const got: string[] = [];
    const receiver = await network.bind(anyPort, (bytes) => got.push(Buffer.from(bytes).toString()));
    const sender = await network.bind(anyPort, () => {});
    sender.send('to nobody', { host: '127.0.0.1', port });
    sender.send('to somebody', receiver.local);
    await until(() => got.length === 1);
    expect(got).toEqual(['to somebody']);
    await sender.close();
    await receiver.close();
  });

  it('gives up connecting when told to', async () => {
    const network = make();
    const listener = await network.listen(anyPort, () => {});
    await expect(network.connect(listener.local, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    await listener.close();
  });
});

it('asks silent peers at both ends whether they are still there', async () => {
  const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
  const { client, stop } = await pair(systemNetwork(new FlowMeter()));
  expect(keepAlive.mock.calls).toEqual([
    [true, 30_000],
    [true, 30_000],
  ]);
  keepAlive.mockRestore();
  client.destroy();
  await stop();
});

it('an answer to a datagram belongs to the flow of who asked', async () => {
  const [asking, answering] = [new FlowMeter(), new FlowMeter()];
  const server = await systemNetwork(answering).bind({ host: '127.0.0.1', port: 0 }, (_bytes, from) => {
    server.send('answer', from);
  });
  await new Promise<void>((resolve) => {
    void systemNetwork(asking)
      .bind({ host: '127.0.0.1', port: 0 }, () => resolve())
      .then((client) => client.send('question', server.local));
  });
  expect(asking.sample()).toMatchObject([{ to: server.local, transport: 'udp', opened: 1 }]);
  expect(answering.sample()).toEqual([]);
  await server.close();
});

it('a message that is passed on belongs to the flow of its connection, once', () => {
  const meter = new FlowMeter();
  const to = { host: '127.0.0.1', port: 1 };
  const hops = [
    { message: 'a', step: 1 },
    { message: 'b', step: 4 },
  ];
  for (const hop of hops) meter.hop(to, hop);
  expect(meter.sample()).toMatchObject([{ to, transport: 'tcp', opened: 0, hops }]);
  expect(meter.sample()).toEqual([]);
  for (let step = 1; step <= 1000; step++) meter.hop(to, { message: 'many', step });
  expect(meter.sample()[0]?.hops?.length).toBeLessThan(100);
});
