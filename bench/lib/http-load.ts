/** Load on HTTP servers: persistent connections, each with one request under way. */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { percentile } from './measure';
import { findPeer } from './programs';

export interface HttpLoad {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  failed: number;
}

/** `clients` connections ask for `path` again and again for `ms`. */
export interface LoadGenerator {
  name: string;
  load(port: number, path: string, clients: number, ms: number): Promise<HttpLoad>;
}

/**
 * Those that are here. What receiving costs is the load's, not the server's, and differs: one that reads in large
 * calls favours a server that sends in small ones, and the other way round.
 */
export function loadGenerators(): LoadGenerator[] {
  const wrk = findPeer('wrk');
  const own = { name: 'our own load', load: ownLoad };
  if (!wrk) return [own];
  return [own, { name: 'wrk', load: (...of) => wrkLoad(wrk, ...of) }];
}

/** Over bare sockets in this process. A reply must have a Content-Length. */
async function ownLoad(port: number, path: string, clients: number, ms: number): Promise<HttpLoad> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const latencies: number[] = [];
  let failed = 0;
  const started = performance.now();
  const end = started + ms;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      let before = performance.now();
      let left = -1;
      let done = false;
      const received = (length: number, buffer: Uint8Array): boolean => {
        let content = length;
        if (left < 0) {
          const head = Buffer.from(buffer.buffer, buffer.byteOffset, length);
          const headEnd = head.indexOf('\r\n\r\n');
          const size = /\r\ncontent-length: *(\d+)/i.exec(head.toString('latin1', 0, headEnd))?.[1];
          if (headEnd < 0 || size === undefined || head[9] !== 0x32) failed++;
          left = Number(size ?? 0);
          content = length - headEnd - 4;
        }
        left -= content;
        if (left > 0) return true;
        const now = performance.now();
        latencies.push(now - before);
        before = now;
        left = -1;
        if (now < end) socket.write(request);
        else {
          done = true;
          socket.destroy();
          resolve();
        }
        return true;
      };
      const socket: Socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer: Buffer.alloc(256 * 1024), callback: received },
      });
      socket.on('connect', () => socket.write(request));
      socket.on('error', () => {});
      socket.on('close', () => {
        if (!done) failed++;
        resolve();
      });
    });
  await Promise.all(Array.from({ length: clients }, one));
  const seconds = (performance.now() - started) / 1000;
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    failed,
  };
}

async function wrkLoad(
  wrk: string,
  port: number,
  path: string,
  clients: number,
  ms: number,
): Promise<HttpLoad> {
  const seconds = Math.max(1, Math.round(ms / 1000));
  const args = ['-t1', `-c${clients}`, `-d${seconds}s`, '--latency', `http://127.0.0.1:${port}${path}`];
  const child = spawn(wrk, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const report = await text(child.stdout);
  const number = (pattern: RegExp): number => Number(pattern.exec(report)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec: +([\d.]+)/),
    p50: milliseconds(/ 50% +(\S+)/.exec(report)?.[1]),
    p99: milliseconds(/ 99% +(\S+)/.exec(report)?.[1]),
    failed: errors
      .slice(1)
      .reduce((sum, count) => sum + Number(count), number(/Non-2xx or 3xx responses: (\d+)/)),
  };
}

/** Of wrk's '812.00us', '1.23ms', '1.02s'. */
function milliseconds(figure = ''): number {
  const perUnit = figure.endsWith('us') ? 0.001 : figure.endsWith('ms') ? 1 : 1000;
  return Number.parseFloat(figure) * perUnit;
}
