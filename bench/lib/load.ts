/** Load on text protocols: so many connections at once, for so long, one request after the other. */
import { connect } from 'node:net';

export interface Load {
  perSecond: number;
  failed: number;
  /** Milliseconds of each request, in order of their ends. */
  latencies: number[];
}

/** `exchange` does one request; it is called again and again by each of `clients` loops for `ms`. */
export async function load(clients: number, ms: number, exchange: () => Promise<void>): Promise<Load> {
  const latencies: number[] = [];
  let failed = 0;
  const started = performance.now();
  const end = started + ms;
  const loop = async (): Promise<void> => {
    while (performance.now() < end) {
      const before = performance.now();
      try {
        await exchange();
        latencies.push(performance.now() - before);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, loop));
  return { perSecond: (latencies.length / (performance.now() - started)) * 1000, failed, latencies };
}

/** A connection of its own: sends `request`, resolves to the bytes that came when `complete` says so. */
export function exchangeOnce(
  port: number,
  request: string,
  complete: (received: number, text: string) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let text = '';
    let done = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (text.length < 256) text += chunk.toString('latin1');
      if (!done && complete(received, text)) {
        done = true;
        socket.destroy();
        resolve();
      }
    });
    socket.on('error', reject);
    socket.on('close', () => done || reject(new Error(`closed after ${received} bytes`)));
    socket.write(request);
  });
}
