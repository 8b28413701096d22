import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { decodeProbeReply, encodeAssignment } from '../../protocol/replica';
import {
  type Choice,
  chooseReplica,
  type ReplicaHealth,
  replicaCost,
} from '../../protocol/replica-selection';
import type {
  BoundPorts,
  Connection,
  CreateNode,
  DatagramSocket,
  Listener,
  NodeContext,
  NodeProgram,
} from '../../runtime/context';
import { LogFile } from '../shared/log-file';
import type { BalancerConfig, BalancerDecision, BalancerSnapshot, ReplicaScore } from './manifest';
import { ReplicaProbe } from './probe';
import { parseServers, ServersFile } from './servers-file';

/** Clients that may wait for a replica; more are closed. */
const MAX_WAITING = 10_000;
const MAX_DECISIONS = 100;
const MAX_LISTED_CLIENTS = 50;
/** Clients have nothing to say here; one that goes on talking is closed, bytes. */
const MAX_SAID = 4096;
/** A client that does not take its answer is dropped after this, ms. */
const IDLE_MS = 15_000;

export const createNode: CreateNode<BalancerConfig> = (config, context) =>
  new ReplicaBalancer(config, context);

class ReplicaBalancer implements NodeProgram {
  readonly #probes = new Map<string, ReplicaProbe>();
  /** With the wall time of their arrival. */
  readonly #clients = new Map<Connection, number>();
  readonly #waiting = new Map<Connection, number>();
  readonly #decisions: BalancerDecision[] = [];
  readonly #logFile: LogFile;
  readonly #published: { changed(): void };
  readonly #serversFile: ServersFile | undefined;
  #listener: Listener | undefined;
  #datagrams: DatagramSocket | undefined;
  #listed: Endpoint[] = [];
  #serversFileError: string | undefined;
  #chosen: string | undefined;
  #assigned = 0;
  #serving = false;
  #drainingSince: number | undefined;
  #whenIdle: (() => void) | undefined;

  readonly operations = { decisions: () => [...this.#decisions].reverse() };

  constructor(
    readonly config: BalancerConfig,
    readonly context: NodeContext,
  ) {
    const { files, clock, log, telemetry } = context;
    this.#logFile = new LogFile(config.logFile, files, clock, log);
    this.#published = telemetry.publish(() => ({ ...this.#snapshot() }));
    if (config.serversFile !== '') {
      this.#serversFile = new ServersFile(
        config.serversFile,
        files,
        (text) => this.#serversRead(text),
        (error) => this.#serversUnreadable(error),
      );
    }
  }

  async start(): Promise<BoundPorts> {
    const { host, port } = this.config;
    this.#listener = await this.context.net.listen({ host, port }, (connection) => this.#accept(connection));
    // Probes leave from any address towards loopback and the world alike.
    const from = host.includes(':') ? '::' : host.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
    this.#datagrams = await this.context.net.bind({ host: from, port: 0 }, (bytes, sender) => {
      const reply = decodeProbeReply(bytes);
      if (reply) this.#probes.get(formatEndpoint(sender))?.replied(reply.nonce, reply.status);
    });
    await this.#serversFile?.start((ms, run) => this.context.clock.every(ms, run));
    this.#follow();
    const bound = this.#listener.local.port;
    this.#note(`balancer at ${host}:${bound} for ${this.#probes.size} replicas`);
    return { tcp: bound };
  }

  async drain(): Promise<void> {
    this.#drainingSince = this.context.clock.wallTime();
    await this.#listener?.close();
    this.#note(
      `draining: ${this.#clients.size} clients are still served, ${this.#waiting.size} of them wait`,
    );
    this.#published.changed();
    if (this.#clients.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#serversFile?.close();
    for (const probe of this.#probes.values()) probe.close();
    await this.#listener?.close();
    for (const client of [...this.#clients.keys()]) client.destroy();
    await this.#datagrams?.close();
    this.#whenIdle?.();
    this.#note('stopped');
    await this.#logFile.close();
  }

  #accept(connection: Connection): void {
    this.#clients.set(connection, this.context.clock.wallTime());
    const gone = (): void => {
      timer.cancel();
      this.#waiting.delete(connection);
      if (!this.#clients.delete(connection)) return;
      if (this.#clients.size === 0) this.#whenIdle?.();
      this.#published.changed();
    };
    const timer = this.context.clock.after(this.config.waitMs, () => connection.destroy());
    let said = 0;
    connection.handle({
      data: (bytes) => {
        said += bytes.length;
        if (said > MAX_SAID) connection.destroy();
      },
      // A client has nothing to say here: one that finishes while it waits has given up.
      end: () => (this.#waiting.has(connection) ? connection.destroy() : connection.end()),
      close: gone,
    });
    if (this.#waiting.size >= MAX_WAITING) return connection.destroy();
    this.#waiting.set(connection, this.context.clock.now());
    void this.#serve();
  }

  /** Answers those who wait, first come first served, as long as a replica is up. */
  async #serve(): Promise<void> {
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.#waiting.size > 0) {
        const choice = this.#choose();
        if (!choice) break;
        const probe = this.#probes.get(choice.address) as ReplicaProbe;
        if (!(await probe.confirm())) continue;
        const next = this.#waiting.entries().next().value;
        if (next) this.#assign(next[0], next[1], choice, probe);
      }
    } finally {
      this.#serving = false;
      this.#published.changed();
    }
  }

  #assign(client: Connection, since: number, choice: Choice, probe: ReplicaProbe): void {
    const { clock, telemetry } = this.context;
    this.#waiting.delete(client);
    this.#chosen = choice.address;
    probe.assign();
    this.#assigned++;
    const address = this.#addressFor(probe);
    const waitedMs = Math.round(clock.now() - since);
    const from = formatEndpoint(client.remote);
    telemetry.count('assigned');
    telemetry.trace('out', 'tcp', client.remote, () => `SYN ${address}`);
    this.#decisions.push({
      at: clock.wallTime(),
      client: from,
      address: choice.address,
      reason: choice.reason,
      waitedMs,
      ranking: choice.ranking.slice(0, 20),
    });
    if (this.#decisions.length > MAX_DECISIONS) this.#decisions.shift();
    this.#note(`client ${from} → ${choice.address} (${choice.reason}; waited ${waitedMs} ms)`);
    client.setIdle(IDLE_MS, () => client.destroy());
    client.end(encodeAssignment(address));
  }

  /** The seed's packet has no port: a client takes that of the balancer, unless the address names another. */
  #addressFor({ endpoint }: ReplicaProbe): string {
    return endpoint.port === this.#listener?.local.port ? endpoint.host : formatEndpoint(endpoint);
  }

  #choose(): Choice | null {
    return chooseReplica(this.#healths(), this.#chosen);
  }

  #healths(): Map<string, ReplicaHealth> {
    const healths = new Map<string, ReplicaHealth>();
    for (const [address, probe] of this.#probes) {
      const { health } = probe;
      if (health) healths.set(address, health);
    }
    return healths;
  }

  #serversRead(text: string): void {
    const { servers, wrongLines } = parseServers(text, this.#listener?.local.port ?? this.config.port);
    this.#listed = servers;
    this.#serversFileError =
      wrongLines.length > 0 ? `Not an address: ${wrongLines.slice(0, 3).join(', ')}` : undefined;
    if (this.#serversFileError) this.context.log.warn(this.#serversFileError);
    this.#note(`servers file: ${servers.map(formatEndpoint).join(', ') || 'empty'}`);
    this.#follow();
  }

  #serversUnreadable(error: Error): void {
    if (this.#serversFileError === error.message) return;
    this.#serversFileError = error.message;
    this.context.log.warn(`${error.message} The replicas known so far are kept.`);
    this.#published.changed();
  }

  /** Begins to probe what is new in the configuration and the file, and ends what is no longer there. */
  #follow(): void {
    const wanted = new Map(
      [...this.config.replicas, ...this.#listed].map((endpoint) => [formatEndpoint(endpoint), endpoint]),
    );
    for (const [address, probe] of this.#probes) {
      if (wanted.has(address)) continue;
      probe.close();
      this.#probes.delete(address);
    }
    for (const [address, endpoint] of wanted) {
      if (this.#probes.has(address)) continue;
      const probe = this.#makeProbe(endpoint);
      this.#probes.set(address, probe);
      void probe.start();
    }
    this.#published.changed();
  }

  #makeProbe(endpoint: Endpoint): ReplicaProbe {
    let known: ReplicaProbe['state'] = 'unknown';
    const probe: ReplicaProbe = new ReplicaProbe(
      endpoint,
      this.config,
      this.context,
      (bytes, to) => this.#datagrams?.send(bytes, to),
      () => {
        if (probe.state !== known && probe.state !== 'unknown') {
          known = probe.state;
          this.#stateChanged(probe);
        }
        if (probe.state === 'up') void this.#serve();
        this.#published.changed();
      },
    );
    return probe;
  }

  #stateChanged({ address, state, detail }: ReplicaProbe): void {
    const text = `Replica ${address} is ${state}${detail ? `: it ${detail}` : ''}.`;
    this.context.telemetry.event({
      type: `replica-${state}`,
      text,
      subject: address,
      level: state === 'up' ? 'good' : state === 'down' ? 'bad' : 'info',
    });
    this.#logFile.line(text);
  }

  #note(text: string): void {
    this.#logFile.line(text);
    this.context.log.info(text);
  }

  #snapshot(): BalancerSnapshot {
    return {
      replicas: [...this.#probes.values()].map((probe) => this.#score(probe)),
      waiting: this.#waiting.size,
      clients: [...this.#clients]
        .slice(0, MAX_LISTED_CLIENTS)
        .map(([{ remote }, since]) => ({ address: formatEndpoint(remote), since })),
      assigned: this.#assigned,
      ...(this.#serversFileError ? { serversFileError: this.#serversFileError } : {}),
      ...(this.#drainingSince === undefined ? {} : { drainingSince: this.#drainingSince }),
    };
  }

  #score(probe: ReplicaProbe): ReplicaScore {
    const { address, state, detail, ours, rttMs, loss, load, assigned, health } = probe;
    return {
      address,
      state,
      ...(detail ? { detail } : {}),
      ours,
      ...(rttMs === undefined ? {} : { rttMs }),
      loss,
      load,
      ...(health ? { cost: replicaCost(health) } : {}),
      assigned,
      chosen: address === this.#chosen,
      forForeignClients: probe.endpoint.port === this.#listener?.local.port,
    };
  }
}
