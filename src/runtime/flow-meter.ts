import { formatEndpoint } from '../contract/endpoint';
import type { FlowSample } from '../contract/node-port';
import type { Endpoint, Hop } from './context';

/** Distinct far addresses that are kept apart; traffic to further ones is counted together. */
const MAX_FLOWS = 512;
/** Hops of one sample to one address; the eye cannot tell more apart. */
const MAX_HOPS = 16;

/** A connection that counts its own bytes, so that metering costs nothing per chunk. */
interface CountingConnection {
  readonly closed: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

interface Flow {
  sample: FlowSample;
  live: Map<CountingConnection, { sent: number; received: number }>;
  hops: Hop[];
}

/** Adds up the traffic that a node opened or sent, by far address, between two samples. */
export class FlowMeter {
  /** Called when something was opened or sent. */
  onActivity: () => void = () => {};
  readonly #flows = new Map<string, Flow>();

  dialled(to: Endpoint, connection: CountingConnection): void {
    const flow = this.#flow(to, 'tcp');
    flow.sample.opened++;
    flow.live.set(connection, { sent: 0, received: 0 });
    this.onActivity();
  }

  datagram(to: Endpoint, bytes: number): void {
    const { sample } = this.#flow(to, 'udp');
    sample.opened++;
    sample.sentBytes += bytes;
    this.onActivity();
  }

  /** A message was passed on, on a connection that may have been open for long. */
  hop(to: Endpoint, hop: Hop): void {
    const { hops } = this.#flow(to, 'tcp');
    if (hops.length < MAX_HOPS) hops.push(hop);
    this.onActivity();
  }

  /** What has moved since the last call, and what is still open. Quiet flows are left out and forgotten. */
  sample(): FlowSample[] {
    const samples: FlowSample[] = [];
    for (const [key, flow] of this.#flows) {
      const { sample, live, hops } = flow;
      for (const [connection, counted] of live) {
        const { bytesSent, bytesReceived, closed } = connection;
        sample.sentBytes += bytesSent - counted.sent;
        sample.receivedBytes += bytesReceived - counted.received;
        counted.sent = bytesSent;
        counted.received = bytesReceived;
        if (closed) live.delete(connection);
      }
      const changed = sample.open !== live.size;
      sample.open = live.size;
      if (sample.opened || sample.sentBytes || sample.receivedBytes || changed || hops.length > 0)
        samples.push({ ...sample, ...(hops.length > 0 ? { hops } : {}) });
      else if (live.size === 0) this.#flows.delete(key);
      sample.opened = sample.sentBytes = sample.receivedBytes = 0;
      flow.hops = [];
    }
    return samples;
  }

  #flow(to: Endpoint, transport: 'tcp' | 'udp'): Flow {
    const own = `${transport} ${formatEndpoint(to)}`;
    const key = this.#flows.has(own) || this.#flows.size < MAX_FLOWS ? own : `${transport} others`;
    let flow = this.#flows.get(key);
    if (!flow) {
      const sample = { to: { ...to }, transport, opened: 0, open: 0, sentBytes: 0, receivedBytes: 0 };
      flow = { sample, live: new Map(), hops: [] };
      this.#flows.set(key, flow);
    }
    return flow;
  }
}
