/** Log lines and wire messages of the nodes: the newest of each, for panels that begin to look. */
import type { LogLine, WireMessage } from '../../contract/events';
import type { NodeLogRecord } from '../../contract/node-port';
import type { EventHub } from '../events/event-hub';
import { RingBuffer } from '../events/ring-buffer';

const LOG_LINES_PER_NODE = 500;
const MESSAGES = 10_000;

export class NodeRecords {
  readonly #logs = new Map<string, { seq: number; lines: RingBuffer<LogLine> }>();
  #messages = new RingBuffer<WireMessage>(MESSAGES);
  #messageSeq = 0;

  constructor(private readonly hub: EventHub) {}

  addLogs(node: string, records: readonly NodeLogRecord[]): void {
    if (records.length === 0) return;
    const log = this.#logOf(node);
    const lines = records.map(({ at, level, text }): LogLine => {
      log.seq += 1;
      return { seq: log.seq, node, at, level, text };
    });
    for (const line of lines) log.lines.push(line);
    this.hub.push({ type: 'logs', lines });
  }

  addMessages(messages: readonly Omit<WireMessage, 'seq'>[]): void {
    if (messages.length === 0) return;
    const numbered = messages.map((message): WireMessage => {
      this.#messageSeq += 1;
      return { seq: this.#messageSeq, ...message };
    });
    for (const message of numbered) this.#messages.push(message);
    this.hub.push({ type: 'messages', messages: numbered });
  }

  /** The newest lines of a node, oldest first. */
  logs(node: string, limit: number): LogLine[] {
    return this.#logs.get(node)?.lines.newest(limit) ?? [];
  }

  /** The newest messages of these nodes (of all, when none is named), oldest first. */
  messages(nodes: readonly string[], limit: number): WireMessage[] {
    const wanted = new Set(nodes);
    return this.#messages.newest(limit, (message) => wanted.size === 0 || wanted.has(message.node));
  }

  forget(node: string): void {
    this.#logs.delete(node);
  }

  /** Another workspace is open, whose nodes may have the same ids. */
  clear(): void {
    this.#logs.clear();
    this.#messages = new RingBuffer<WireMessage>(MESSAGES);
  }

  #logOf(node: string): { seq: number; lines: RingBuffer<LogLine> } {
    let log = this.#logs.get(node);
    if (!log) {
      log = { seq: 0, lines: new RingBuffer(LOG_LINES_PER_NODE) };
      this.#logs.set(node, log);
    }
    return log;
  }
}
