/**
 * Does the other side speak our framed extension? Asked with a datagram to the UDP port of the same number, where a
 * foreign program has no socket: it notices nothing, and answers nothing.
 */
import type { Endpoint } from '../../contract/endpoint';
import { PROBE, PROBE_ANSWER } from '../../protocol/p2p-messages';
import type { DatagramSocket, NodeContext } from '../../runtime/context';
import { RateLimit } from '../shared/rate-limit';

/** A datagram may be lost: it is sent so often … */
const ATTEMPTS = 3;
/** … so far apart. */
const WAIT_MS = 150;
/** Answers a second: more is no peer that asks, but somebody who floods. */
const MAX_ANSWERS = 1000;

/** Resolves to false when no answer comes: the other side speaks the seed's protocol alone. */
export async function speaksFrames(
  context: NodeContext,
  to: Endpoint,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await whoSpeaksFrames(context, [to], signal)).length > 0;
}

/** Those of `to` that answer; all are asked at the same time. */
export async function whoSpeaksFrames<To extends Endpoint>(
  context: NodeContext,
  to: readonly To[],
  signal?: AbortSignal,
): Promise<To[]> {
  const silent = new Set(to);
  const sockets = new Map<string, DatagramSocket>();
  const done = new AbortController();
  const stop = (): void => done.abort();
  signal?.addEventListener('abort', stop, { once: true });
  const receive = (bytes: Uint8Array, from: Endpoint): void => {
    if (!PROBE_ANSWER.equals(bytes)) return;
    for (const one of silent) if (isAt(one, from)) silent.delete(one);
    if (silent.size === 0) stop();
  };
  try {
    for (const host of new Set(to.map((one) => localHost(one.host))))
      sockets.set(host, await context.net.bind({ host, port: 0 }, receive));
    for (let attempt = 0; attempt < ATTEMPTS && silent.size > 0; attempt++) {
      signal?.throwIfAborted();
      for (const one of silent) sockets.get(localHost(one.host))?.send(PROBE, one);
      await context.clock.sleep(WAIT_MS, done.signal).catch(() => {});
    }
    signal?.throwIfAborted();
    return to.filter((one) => !silent.has(one));
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
    for (const socket of sockets.values()) await socket.close();
  }
}

/** Whether an answer is from there. What a name stands for the system knows: then the port has to do. */
function isAt({ host, port }: Endpoint, from: Endpoint): boolean {
  const isAddress = /^[\d.]+$|:/.test(host);
  return port === from.port && (!isAddress || host === from.host);
}

/** Loopback is asked from loopback; the rest of the world from wherever the system thinks best. */
function localHost(host: string): string {
  if (host.startsWith('127.') || host === 'localhost') return '127.0.0.1';
  return host.includes(':') ? '::' : '0.0.0.0';
}

/**
 * Answers such questions at the number of a TCP port. Where another program has that UDP port, peers speak the
 * seed's protocol with us; that is worth a warning, not a failure.
 */
export async function answerProbes(context: NodeContext, at: Endpoint): Promise<DatagramSocket | null> {
  const limit = new RateLimit(MAX_ANSWERS, context.clock);
  try {
    const socket = await context.net.bind(at, (bytes, from) => {
      if (PROBE.equals(bytes) && limit.allow()) socket.send(PROBE_ANSWER, from);
    });
    return socket;
  } catch (error) {
    context.log.warn(
      `UDP port ${at.port} is taken by another program (${(error as Error).message}): peers will use the plain protocol.`,
    );
    return null;
  }
}
