/** What waits to be sent to one panel: the newest state of each thing, and bounded lists of what happened. */
import type {
  FlowView,
  JournalEntry,
  LogLine,
  Notice,
  StudioEvent,
  WireMessage,
} from '../../contract/events';

/** Longest lists that wait for one panel; what is older is dropped, and the panel can ask for it by a call. */
export const outboxLimits = { journal: 1000, logs: 1000, messages: 2000, notices: 50, hops: 64 };

/**
 * A queue that cannot grow: an entity replaces its former state, flows add up, lists are cut. However slow or
 * hidden a panel is, it costs no more than one state of the studio.
 */
export class Outbox {
  /** Entities by kind and id, in the order of their first change. */
  readonly #entities = new Map<string, StudioEvent>();
  readonly #flows = new Map<string, FlowView>();
  #journal: JournalEntry[] = [];
  #logs: LogLine[] = [];
  #messages: WireMessage[] = [];
  #notices: Notice[] = [];
  #lost = false;

  get empty(): boolean {
    return (
      this.#entities.size === 0 &&
      this.#flows.size === 0 &&
      this.#journal.length + this.#logs.length + this.#messages.length + this.#notices.length === 0
    );
  }

  /** True when journal entries were dropped: only a new snapshot can make the panel whole. Cleared by `take`. */
  get lost(): boolean {
    return this.#lost;
  }

  add(event: StudioEvent): void {
    switch (event.type) {
      case 'flows':
        for (const flow of event.flows) this.#addFlow(flow);
        return;
      case 'journal':
        append(this.#journal, event.entries);
        this.#lost = cut(this.#journal, outboxLimits.journal) || this.#lost;
        return;
      case 'logs':
        append(this.#logs, event.lines);
        cut(this.#logs, outboxLimits.logs);
        return;
      case 'messages':
        append(this.#messages, event.messages);
        cut(this.#messages, outboxLimits.messages);
        return;
      case 'notice':
        this.#notices.push(event.notice);
        cut(this.#notices, outboxLimits.notices);
        return;
      default:
        this.#entities.set(entityKey(event), event);
    }
  }

  /** Forgets what a snapshot, taken now, contains: all but notices and the lists that no snapshot has. */
  forgetState(): void {
    this.#entities.clear();
    this.#journal = [];
    this.#lost = false;
  }

  /** Empties the outbox. */
  take(): StudioEvent[] {
    const events = [...this.#entities.values()];
    if (this.#journal.length > 0) events.push({ type: 'journal', entries: this.#journal });
    if (this.#flows.size > 0) events.push({ type: 'flows', flows: [...this.#flows.values()] });
    if (this.#logs.length > 0) events.push({ type: 'logs', lines: this.#logs });
    if (this.#messages.length > 0) events.push({ type: 'messages', messages: this.#messages });
    for (const notice of this.#notices) events.push({ type: 'notice', notice });
    this.#entities.clear();
    this.#flows.clear();
    this.#journal = [];
    this.#logs = [];
    this.#messages = [];
    this.#notices = [];
    this.#lost = false;
    return events;
  }

  #addFlow(flow: FlowView): void {
    const key = `${flow.from} ${flow.to} ${flow.role} ${flow.transport}`;
    const waiting = this.#flows.get(key);
    this.#flows.set(
      key,
      waiting
        ? {
            ...flow,
            opened: waiting.opened + flow.opened,
            sentBytes: waiting.sentBytes + flow.sentBytes,
            receivedBytes: waiting.receivedBytes + flow.receivedBytes,
            overMs: waiting.overMs + flow.overMs,
            ...joined(waiting.hops, flow.hops),
          }
        : flow,
    );
  }
}

function joined(before: FlowView['hops'], after: FlowView['hops']): Pick<FlowView, 'hops'> {
  return before && after
    ? { hops: [...before, ...after].slice(-outboxLimits.hops) }
    : before
      ? { hops: before }
      : {};
}

type EntityEvent = Exclude<
  StudioEvent,
  { type: 'flows' } | { type: 'journal' } | { type: 'logs' } | { type: 'messages' } | { type: 'notice' }
>;

/** A removal replaces the changes of the same thing, and a later change replaces the removal. */
function entityKey(event: EntityEvent): string {
  switch (event.type) {
    case 'node':
      return `node ${event.node.id}`;
    case 'node-removed':
      return `node ${event.id}`;
    case 'transfer':
      return `transfer ${event.transfer.id}`;
    case 'transfer-removed':
      return `transfer ${event.id}`;
    case 'task':
      return `task ${event.task.id}`;
    case 'task-removed':
      return `task ${event.id}`;
    case 'files-changed':
      return `files ${event.node}`;
    case 'workspace':
    case 'settings':
    case 'faults':
    case 'recorder':
      return event.type;
  }
}

function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}

/** Drops the oldest; true if there were too many. */
function cut(list: unknown[], limit: number): boolean {
  if (list.length <= limit) return false;
  list.splice(0, list.length - limit);
  return true;
}
