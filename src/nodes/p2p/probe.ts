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
  let answered: () => void = () => {};
  const answer = new Promise<true>((resolve) => {
    answered = () => resolve(true);
  });
  const socket = await context.net.bind({ host: localHost(to.host), port: 0 }, (bytes, from) => {
    if (from.port === to.port && PROBE_ANSWER.equals(bytes)) answered();
  });
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      signal?.throwIfAborted();
      socket.send(PROBE, to);
      const silence = context.clock.sleep(WAIT_MS, waiting.signal).then(
        () => false,
        () => false,
      );
      if (await Promise.race([answer, silence])) return true;
    }
    signal?.throwIfAborted();
    return false;
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
    await socket.close();
  }
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
