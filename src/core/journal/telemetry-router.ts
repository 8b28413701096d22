/** What a node reports, in the terms of the workspace: addresses become nodes, traffic gets its role. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import type { FlowView } from '../../contract/events';
import type { FlowSample, NodeLogRecord, NodeTelemetry } from '../../contract/node-port';
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import { type AddressBook, roleOf } from '../supervisor/address-book';
import type { Journal } from './journal';
import type { NodeRecords } from './node-records';

export interface RouterOptions {
  hub: EventHub;
  journal: Journal;
  records: NodeRecords;
  addresses(): AddressBook;
}

/** Assumed for the first report of a node, milliseconds. */
const FIRST_SPAN_MS = 100;

export class TelemetryRouter {
  readonly #options: RouterOptions;
  /** When each node last reported traffic, milliseconds of a monotonic clock. */
  readonly #lastFlows = new Map<string, number>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  route(node: NodeSpec, telemetry: NodeTelemetry): void {
    const { hub, journal, records } = this.#options;
    for (const event of telemetry.events ?? [])
      journal.add({ ...event, level: event.level ?? 'info', node: node.id });
    records.addLogs(node.id, logOf(telemetry));
    if (telemetry.messages)
      records.addMessages(
        telemetry.messages.map(({ peer, ...message }) => ({
          ...message,
          node: node.id,
          peer: this.#nameOf(peer, message.transport),
        })),
      );
    if (telemetry.flows) {
      const overMs = this.#span(node.id);
      hub.push({ type: 'flows', flows: telemetry.flows.map((flow) => this.#flow(node, flow, overMs)) });
    }
  }

  forget(id: string): void {
    this.#lastFlows.delete(id);
  }

  #flow(from: NodeSpec, { to, ...sample }: FlowSample, overMs: number): FlowView {
    const listening = this.#options.addresses().find(to, sample.transport);
    return {
      from: from.id,
      to: listening?.node.id ?? formatEndpoint(to),
      role: listening ? roleOf(from, listening, sample.transport) : 'other',
      ...sample,
      overMs,
    };
  }

  #nameOf(peer: Endpoint, transport: 'tcp' | 'udp'): string {
    return this.#options.addresses().find(peer, transport)?.node.id ?? formatEndpoint(peer);
  }

  #span(id: string): number {
    const now = performance.now();
    const last = this.#lastFlows.get(id);
    this.#lastFlows.set(id, now);
    return last === undefined ? FIRST_SPAN_MS : Math.max(1, Math.round(now - last));
  }
}

const logLevels = { info: 'info', good: 'info', warning: 'warn', bad: 'error' } as const;

/** A node's log is what it wrote and what happened to it, in the order of time, as on a terminal. */
function logOf({ logs = [], events = [] }: NodeTelemetry): NodeLogRecord[] {
  const happened = events.map(({ at, text, level = 'info' }) => ({ at, level: logLevels[level], text }));
  return [...logs, ...happened].sort((a, b) => a.at - b.at);
}
