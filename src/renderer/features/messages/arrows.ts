/**
 * Messages as they went from one program to another. A message between two nodes that are both looked at is recorded
 * twice, when it is sent and when it is received; the receiver knows a TCP sender only by the port of its connection.
 * Pure.
 */
import type { WireMessage } from '../../../contract/events';
import { flowEnd, isOutside } from '../../graph';

export interface Arrow {
  /** The `seq` of its first record: none other has it. */
  seq: number;
  /** The `seq` of each of its records: one or two. */
  records: readonly number[];
  /** Nodes, or `outside:<host>:<port>`. */
  from: string;
  to: string;
  /** Unix ms, of the sending where that is known. */
  at: number;
  /** Milliseconds on the way; absent: only one end was recorded. */
  tookMs?: number;
  transport: 'tcp' | 'udp';
  text: string;
  /** First word of the text: HEARTBEAT, GET, 200. */
  kind: string;
  /** A datagram that the receiver, which was looked at, has not got. */
  lost?: true;
}

/** A datagram that has not arrived after so long, by the newest record, is called lost. */
const patienceMs = 2000;
/** The records of a message carry whole milliseconds, of two processes. */
const clockSlackMs = 2;
const mostTookMs = 20_000;

type Specs = Parameters<typeof flowEnd>[1];

/** In order of time. Every record belongs to exactly one arrow. */
export function arrowsOf(messages: readonly WireMessage[], specs: Specs): Arrow[] {
  const inTime = [...messages].sort((a, b) => a.at - b.at || a.seq - b.seq);
  /** Whose connection a port at a node is, by `<node> <port's address>`. */
  const owners = new Map<string, string>();
  const owner = (node: string, peer: string): string => owners.get(`${node} ${peer}`) ?? peer;

  const arrows: Arrow[] = [];
  for (const { direction, node, peer, ...message } of inTime)
    if (direction === 'out') arrows.push(arrowOf(message, node, flowEnd(peer, specs)));
  const waiting = new Waiting(arrows);
  for (const { direction, node, peer, ...message } of inTime) {
    if (direction === 'out') continue;
    const named = flowEnd(peer, specs);
    const received = arrowOf(message, owner(node, named), node);
    const sent = sentOf(received, waiting.like(received), owner);
    if (!sent) {
      arrows.push(received);
      continue;
    }
    waiting.delete(sent);
    sent.tookMs = Math.max(0, received.at - sent.at);
    // Of what happened in the same millisecond, the records of one node know the order.
    sent.records = [sent.seq, received.seq];
    sent.seq = Math.min(sent.seq, received.seq);
    if (named !== sent.from) owners.set(`${node} ${named}`, sent.from);
  }

  markLost(waiting.all(), inTime);
  for (const arrow of arrows) {
    arrow.from = owner(arrow.to, arrow.from);
    arrow.to = owner(arrow.from, arrow.to);
  }
  return arrows.sort((a, b) => a.at - b.at || a.seq - b.seq);
}

function arrowOf(message: Pick<Arrow, 'seq' | 'at' | 'transport' | 'text'>, from: string, to: string): Arrow {
  const { seq, at, transport, text } = message;
  return { seq, records: [seq], from, to, at, transport, text, kind: kindOf(text) };
}

/** What was sent and not yet met at the other end, by its first word: busy networks have much of it. */
class Waiting {
  readonly #byKind = new Map<string, Set<Arrow>>();

  /** @param sent in order of time, which `like` keeps */
  constructor(sent: readonly Arrow[]) {
    for (const arrow of sent) {
      const alike = this.#byKind.get(Waiting.#key(arrow));
      if (alike) alike.add(arrow);
      else this.#byKind.set(Waiting.#key(arrow), new Set([arrow]));
    }
  }

  like(arrow: Arrow): Iterable<Arrow> {
    return this.#byKind.get(Waiting.#key(arrow)) ?? [];
  }

  delete(arrow: Arrow): void {
    this.#byKind.get(Waiting.#key(arrow))?.delete(arrow);
  }

  all(): Arrow[] {
    return [...this.#byKind.values()].flatMap((arrows) => [...arrows]);
  }

  static #key({ kind, transport }: Arrow): string {
    return `${transport} ${kind}`;
  }
}

/**
 * The one that was sent with these words, else with this first word: heads of HTTP are not written alike. Of several,
 * the first on TCP, which keeps the order and loses nothing; the last of datagrams, since earlier ones may be lost.
 */
function sentOf(
  received: Arrow,
  alikes: Iterable<Arrow>,
  owner: (node: string, peer: string) => string,
): Arrow | undefined {
  let same: Arrow | undefined;
  let alike: Arrow | undefined;
  for (const sent of alikes) {
    if (sent.at > received.at + clockSlackMs) break;
    if (received.at - sent.at > mostTookMs) continue;
    if (!isOutside(received.from) && sent.from !== received.from) continue;
    const to = owner(sent.from, sent.to);
    if (to !== received.to && (!isOutside(to) || isOutside(received.from))) continue;
    if (sent.transport === 'udp') alike = sent;
    else alike ??= sent;
    if (sent.text !== received.text) continue;
    same = sent;
    if (sent.transport === 'tcp') break;
  }
  return same ?? alike;
}

/** Only where the receiver was looked at already: else nobody could have seen the datagram arrive. */
function markLost(unmet: Iterable<Arrow>, inTime: readonly WireMessage[]): void {
  const lookedAtSince = new Map<string, number>();
  for (const { node, at } of inTime) if (!lookedAtSince.has(node)) lookedAtSince.set(node, at);
  const newest = inTime.at(-1)?.at ?? 0;
  for (const arrow of unmet)
    if (
      arrow.transport === 'udp' &&
      arrow.at > (lookedAtSince.get(arrow.to) ?? Number.POSITIVE_INFINITY) &&
      newest - arrow.at > patienceMs
    )
      arrow.lost = true;
}

/** The first word of a message: HEARTBEAT, GET, 200. */
export function kindOf(text: string): string {
  return /^\S{1,24}/.exec(text)?.[0].replace(/[:;,]$/, '') ?? '';
}
