import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import type { RelayConfig, RelaySnapshot } from './manifest';
import { createNode } from './node';

const HOST = '127.0.0.1';
const RELAY_TCP = { host: HOST, port: 9500 };
const RELAY_UDP = { host: HOST, port: 9501 };

let sim: Simulation;
beforeEach(() => {
  sim = new Simulation();
});

const net = (name: string) => sim.network.host(name, sim.clock);

async function start(change: Partial<RelayConfig> = {}) {
  const config: RelayConfig = {
    host: HOST,
    tcpPort: RELAY_TCP.port,
    udpPort: RELAY_UDP.port,
    tcpTarget: { host: HOST, port: 5050 },
    udpTarget: { host: HOST, port: 6000 },
    client: '',
    idleMs: 60_000,
    ...change,
  };
  const program = createNode(config, sim.context('relay'));
  await program.start();
  return program;
}

const snapshot = () => sim.recorded('relay').snapshot() as unknown as RelaySnapshot;

interface Ear {
  text: string;
  ended: boolean;
  closed: boolean;
  error?: { code?: string };
}
function listenTo(connection: Connection): Ear {
  const ear: Ear = { text: '', ended: false, closed: false };
  connection.handle({
    data: (bytes) => {
      ear.text += Buffer.from(bytes).toString();
    },
    end: () => {
      ear.ended = true;
    },
    close: (error) => {
      ear.closed = true;
      if (error) ear.error = error as { code?: string };
    },
  });
  return ear;
}

async function target(): Promise<Connection[]> {
  const taken: Connection[] = [];
  await net('target').listen({ host: HOST, port: 5050 }, (connection) => taken.push(connection));
  return taken;
}

describe('connections through a relay', () => {
  it('carry bytes both ways, and each direction ends by itself', async () => {
    const taken = await target();
    const program = await start();
    const client = await net('client').connect(RELAY_TCP);
    const atClient = listenTo(client);
    client.end('GET a\n');
    await sim.settle();
    const atTarget = listenTo(taken[0] as Connection);
    await sim.settle();
    expect(atTarget).toMatchObject({ text: 'GET a\n', ended: true, closed: false });
    expect(snapshot().connections).toBe(1);
    taken[0]?.end('OK 1\n');
    await sim.settle();
    expect(atClient).toMatchObject({ text: 'OK 1\n', closed: true });
    expect(snapshot().connections).toBe(0);
    await program.stop();
  });

  it('hold back a sender whose receiver does not read, and lose nothing', async () => {
    const taken = await target();
    const program = await start();
    const client = await net('client').connect(RELAY_TCP);
    listenTo(client);
    await sim.settle();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 40; sent++) await client.send(new Uint8Array(256 * 1024).fill(65));
      client.end();
    })();
    await sim.settle();
    expect(sent).toBeLessThan(10);
    const atTarget = listenTo(taken[0] as Connection);
    await sim.settle();
    await sending;
    await sim.settle();
    expect(atTarget.text).toHaveLength(40 * 256 * 1024);
    expect(atTarget.ended).toBe(true);
    await program.stop();
  });

  it('pass a reset on', async () => {
    const taken = await target();
    const program = await start();
    const atClient = listenTo(await net('client').connect(RELAY_TCP));
    await sim.settle();
    taken[0]?.reset();
    await sim.settle();
    expect(atClient.error?.code).toBe('ECONNRESET');
    await program.stop();
  });

  it('are reset when there is nobody, and the relay says so', async () => {
    const program = await start();
    const atClient = listenTo(await net('client').connect(RELAY_TCP));
    await sim.settle();
    expect(atClient.error?.code).toBe('ECONNRESET');
    expect(snapshot().failure).toContain('127.0.0.1:5050 cannot be reached');
    await program.stop();
  });

  it('are finished when it drains, and cut when it stops', async () => {
    const taken = await target();
    const program = await start();
    const client = await net('client').connect(RELAY_TCP);
    listenTo(client);
    await sim.settle();
    listenTo(taken[0] as Connection);
    let drained = false;
    const draining = program.drain().then(() => {
      drained = true;
    });
    await sim.settle();
    expect(drained).toBe(false);
    client.end();
    taken[0]?.end();
    await sim.settle();
    await draining;
    await program.stop();
    await sim.settle();
    expect(sim.clock.pending).toBe(0);
  });
});

describe('datagrams through a relay', () => {
  it('reach the target, and answers reach whoever asked', async () => {
    const program = await start();
    const server = await net('server').bind({ host: HOST, port: 6000 }, (bytes, from) =>
      server.send(`echo ${Buffer.from(bytes).toString()}`, from),
    );
    const heard: string[][] = [[], []];
    const senders = await Promise.all(
      heard.map((list) =>
        net('sender').bind({ host: HOST, port: 0 }, (bytes) => list.push(Buffer.from(bytes).toString())),
      ),
    );
    senders[0]?.send('one', RELAY_UDP);
    senders[1]?.send('two', RELAY_UDP);
    senders[0]?.send('three', RELAY_UDP);
    await sim.settle();
    expect(heard).toEqual([['echo one', 'echo three'], ['echo two']]);
    expect(snapshot().senders).toBe(2);
    await sim.advance(61_000);
    expect(snapshot().senders).toBe(0);
    await program.stop();
  });

  it('take no more sockets than there should be', async () => {
    const program = await start();
    for (let count = 0; count < 300; count++) {
      const sender = await net('sender').bind({ host: HOST, port: 0 }, () => {});
      sender.send('x', RELAY_UDP);
    }
    await sim.settle();
    expect(snapshot().senders).toBe(256);
    expect(sim.recorded('relay').counters.droppedDatagrams).toBe(44);
    await program.stop();
  });
});
