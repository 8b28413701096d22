import { formatEndpoint } from '../contract/endpoint';
import { ChainedLines } from './chained-lines';
import type { DatagramSocket, Endpoint } from './context';
import { DatagramLine } from './datagram-line';
import type { FaultyWorld } from './faulty-connection';
import type { LiveFault } from './live-fault';

/** Peers that have a chain of their own; for a further one, the chain that was used longest ago goes. */
const MAX_PEERS = 1024;

interface Chain {
  peer: Endpoint;
  lines: ChainedLines<Uint8Array, DatagramLine>;
}

type Forward = (bytes: Uint8Array, peer: Endpoint) => void;

/** The faults on the datagrams of one socket in one direction: a chain for each peer. */
class DatagramChains {
  readonly #world: FaultyWorld;
  readonly #direction: 'in' | 'out';
  readonly #forward: Forward;
  /** By peer, the one that was used last at the end. */
  readonly #chains = new Map<string, Chain>();

  constructor(world: FaultyWorld, direction: 'in' | 'out', forward: Forward) {
    this.#world = world;
    this.#direction = direction;
    this.#forward = forward;
  }

  /** @param bytes may be kept */
  push(bytes: Uint8Array, peer: Endpoint): void {
    const key = formatEndpoint(peer);
    const chain = this.#chains.get(key) ?? this.#begin(peer);
    this.#chains.delete(key);
    this.#chains.set(key, chain);
    chain.lines.push(bytes);
  }

  refresh(): void {
    for (const [key, chain] of this.#chains) {
      this.#adopt(chain);
      if (chain.lines.all.length === 0) this.#chains.delete(key);
    }
  }

  clear(): void {
    for (const { lines } of this.#chains.values()) for (const line of lines.all) line.clear();
    this.#chains.clear();
  }

  #begin(peer: Endpoint): Chain {
    const [oldest] = this.#chains;
    if (oldest && this.#chains.size >= MAX_PEERS) {
      this.#chains.delete(oldest[0]);
      oldest[1].lines.keepOnly([]);
    }
    const own = { ...peer };
    const chain: Chain = { peer: own, lines: new ChainedLines((bytes) => this.#forward(bytes, own)) };
    this.#adopt(chain);
    return chain;
  }

  #adopt({ peer, lines }: Chain): void {
    const traffic = {
      transport: 'udp',
      direction: this.#direction,
      role: 'dialled',
      peer,
    } as const;
    const faults = this.#world.faults.active.filter(
      (fault) => fault.behaviour.datagrams && fault.covers(traffic),
    );
    lines.keepOnly(faults);
    const kept = new Map(lines.all.map((line) => [line.fault, line]));
    lines.set(faults.flatMap((fault) => kept.get(fault) ?? this.#line(fault, peer) ?? []));
    for (const line of lines.all) line.retime();
  }

  #line(fault: LiveFault, peer: Endpoint): DatagramLine | undefined {
    const { realClock } = this.#world;
    const random = fault.deal(`udp ${this.#direction} ${formatEndpoint(peer)}`);
    const link = { direction: this.#direction, role: 'dialled', openedAt: realClock.now(), random } as const;
    const rule = fault.behaviour.datagrams?.(link);
    return rule && new DatagramLine(fault, rule, realClock);
  }
}

/** A UDP socket with faults in both directions. Without any, datagrams go straight through. */
export class FaultyDatagramSocket implements DatagramSocket {
  readonly #world: FaultyWorld;
  readonly #inner: DatagramSocket;
  readonly #onClosed: (socket: FaultyDatagramSocket) => void;
  readonly #in: DatagramChains;
  readonly #out: DatagramChains;
  #open = true;

  /**
   * @param bindInner binds the real socket, which calls back with what arrives
   */
  static async bind(
    world: FaultyWorld,
    bindInner: (receive: Forward) => Promise<DatagramSocket>,
    receive: Forward,
    onClosed: (socket: FaultyDatagramSocket) => void,
  ): Promise<FaultyDatagramSocket> {
    const early: { bytes: Uint8Array; from: Endpoint }[] = [];
    let socket: FaultyDatagramSocket | undefined;
    const inner = await bindInner((bytes, from) => {
      if (socket) socket.#arrive(bytes, from, receive);
      else early.push({ bytes: new Uint8Array(bytes), from });
    });
    socket = new FaultyDatagramSocket(world, inner, receive, onClosed);
    for (const { bytes, from } of early) socket.#arrive(bytes, from, receive);
    return socket;
  }

  private constructor(
    world: FaultyWorld,
    inner: DatagramSocket,
    receive: Forward,
    onClosed: (socket: FaultyDatagramSocket) => void,
  ) {
    this.#world = world;
    this.#inner = inner;
    this.#onClosed = onClosed;
    this.#in = new DatagramChains(world, 'in', (bytes, from) => {
      if (this.#open) receive(bytes, from);
    });
    this.#out = new DatagramChains(world, 'out', (bytes, to) => inner.send(bytes, to));
  }

  get local(): Endpoint {
    return this.#inner.local;
  }

  send(bytes: Uint8Array | string, to: Endpoint): void {
    if (this.#world.faults.active.length === 0) this.#inner.send(bytes, to);
    else if (this.#open)
      this.#out.push(typeof bytes === 'string' ? Buffer.from(bytes) : new Uint8Array(bytes), to);
  }

  close(): Promise<void> {
    this.#open = false;
    this.#onClosed(this);
    this.#in.clear();
    this.#out.clear();
    return this.#inner.close();
  }

  refresh(): void {
    this.#in.refresh();
    this.#out.refresh();
  }

  #arrive(bytes: Uint8Array, from: Endpoint, receive: Forward): void {
    if (this.#world.faults.active.length === 0) receive(bytes, from);
    else this.#in.push(new Uint8Array(bytes), from);
  }
}
