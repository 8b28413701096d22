/** Servers that are not ours: no sign when they die, and perhaps one connection at a time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { FromNode } from '../../contract/node-port';
import { configSchema } from '../../contract/schema';
import type { Connection, CreateNode, NodeContext } from '../../runtime/context';
import { NodeHost } from '../../runtime/host';
import type { Simulation } from '../../runtime/testing/simulation';
import { manifest } from './manifest';
import { createNode } from './node';
import { server, World } from './testing/balancer-world';

/** A server that answers one request at a time, and does not look at another connection before it is done. */
class SingleThreaded {
  /** What it answers. */
  reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  /** Whether it closes after a reply, or waits for what else comes on the same connection. */
  closes = true;
  busyMs = 0;
  tests = 0;
  /** Connections that it has not looked at yet, the one it is busy with not counted. */
  readonly queue: Connection[] = [];
  #busy: Connection | undefined;
  readonly #context: NodeContext;

  constructor(world: Simulation, name: string) {
    this.#context = world.context(name);
  }

  async start(port: number): Promise<void> {
    await this.#context.net.listen(server(port), (connection) => {
      this.queue.push(connection);
      this.#next();
    });
  }

  #next(): void {
    if (this.#busy) return;
    const connection = this.queue.shift();
    if (!connection) return;
    this.#busy = connection;
    connection.handle({
      data: () => {
        this.tests++;
        if (this.busyMs > 0) this.#context.clock.after(this.busyMs, () => this.#answer(connection));
        else this.#answer(connection);
      },
      close: () => {
        if (this.#busy !== connection) return;
        this.#busy = undefined;
        this.#next();
      },
    });
  }

  #answer(connection: Connection): void {
    if (!this.closes) return connection.write(this.reply);
    connection.end(this.reply);
    this.#busy = undefined;
    this.#next();
  }
}

describe('a server that does not offer to keep connections', () => {
  async function foreign(prepare: (server: SingleThreaded) => void = () => {}) {
    const world = await World.start([8002], {
      servers: [server(8001), server(8002)],
      policy: 'round-robin',
      intervalMs: 3_600_000,
    });
    const single = new SingleThreaded(world.simulation, 'origin 8001');
    prepare(single);
    await single.start(8001);
    // Down so far: the retest finds it.
    await world.simulation.advance(2500);
    expect(world.snapshot.backends.map(({ state }) => state)).toEqual(['up', 'up']);
    expect(world.snapshot.backends.map(({ watched }) => watched)).toEqual([false, true]);
    return { world, single };
  }

  it('is not kept waiting on our connection, and can serve others', async () => {
    const { world, single } = await foreign((each) => {
      each.closes = false;
    });
    const served = await world.askAt(8001);
    expect(served.status).toBe(200);
    expect(single.queue).toHaveLength(0);
  });

  it('gets no client after one was sent there and found nobody', async () => {
    const { world } = await foreign();
    world.kill(8001);
    const sent: number[] = [];
    for (let times = 0; times < 10; times++) sent.push(await world.inTime(world.redirect()));
    expect(sent.filter((port) => port === 8001).length).toBeLessThanOrEqual(1);
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'down' });
    expect(world.simulation.recorded('balancer').events.map(({ type }) => type)).toContain('server-down');
  });

  it('is found dead before a client that comes back is sent anywhere, though it was checked just now', async () => {
    const { world } = await foreign();
    while ((await world.inTime(world.redirect())) !== 8001);
    await world.simulation.advance(10);
    world.kill(8001);
    const asked = Promise.all([world.redirect(), world.redirect(), world.redirect()]);
    expect(await world.inTime(asked)).toEqual([8002, 8002, 8002]);
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'down' });
  });

  it('spends at most a tenth of its time on checks, however many clients are sent there', async () => {
    const { world, single } = await foreign((each) => {
      each.busyMs = 20;
    });
    const before = single.tests;
    const sent: Promise<number>[] = [];
    for (let times = 0; times < 500; times++) {
      sent.push(world.redirect());
      await world.simulation.advance(10);
    }
    await world.simulation.advance(1000);
    expect(new Set(await Promise.all(sent))).toEqual(new Set([8001, 8002]));
    expect((single.tests - before) * single.busyMs).toBeLessThanOrEqual(0.1 * 6000 + single.busyMs);
    expect(single.tests - before).toBeGreaterThan(10);
  });

  it('is not called down because it takes its time with a client', async () => {
    const { world, single } = await foreign();
    single.busyMs = 20_000;
    for (let times = 0; times < 4; times++) await world.inTime(world.redirect());
    await world.simulation.advance(10_000);
    expect(world.snapshot.backends[0]).toMatchObject({ state: 'up' });
    expect(single.tests).toBeLessThanOrEqual(5);
  });
});

describe('with real sockets', () => {
  const program = `
    require('node:net').createServer((socket) => {
      socket.on('data', () => socket.end('HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'));
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

  it('a killed server costs one client one attempt, and nobody two', async () => {
    const children = [0, 1].map(() =>
      spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const ports = await Promise.all(
      children.map(async ({ stdout }) => Number(String((await once(stdout, 'data'))[0]))),
    );
    let ready: (port: number) => void = () => {};
    const port = new Promise<number>((resolve) => {
      ready = resolve;
    });
    const host = new NodeHost(
      createNode as CreateNode<never>,
      {
        type: 'start',
        kind: manifest.id,
        config: {
          ...configSchema(manifest.fields).parse({}),
          port: 0,
          servers: ports.map(server),
          policy: 'round-robin',
          intervalMs: 3_600_000,
        },
        seed: 1,
        faults: [],
        watch: { visible: false, messages: false },
      },
      (message: FromNode) => {
        if (message.type === 'ready') ready(message.ports.http as number);
      },
    );
    try {
      void host.start();
      const at = `http://127.0.0.1:${await port}`;
      const sentTo = async (path = '/file'): Promise<number> => {
        const { headers } = await fetch(`${at}${path}`, { redirect: 'manual' });
        return Number(new URL(headers.get('location') as string).port);
      };
      while ((await sentTo('/other')) !== ports[1]);
      children[0]?.kill('SIGKILL');
      await once(children[0] as ChildProcess, 'exit');
      const sent: number[] = [];
      for (let times = 0; times < 20; times++) sent.push(await sentTo());
      expect(sent.filter((each) => each === ports[0]).length).toBeLessThanOrEqual(1);
      expect(sent.slice(2)).toEqual(Array.from({ length: 18 }, () => ports[1]));
    } finally {
      await host.receive({ type: 'stop' });
      for (const child of children) child.kill('SIGKILL');
    }
  });
});
