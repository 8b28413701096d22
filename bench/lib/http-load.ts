/** Load on HTTP servers: persistent connections, each with one request under way, over bare sockets. */
import { connect, type Socket } from 'node:net';

export interface HttpLoad {
  perSecond: number;
  bytesPerSecond: number;
  /** Milliseconds of each request. */
  latencies: number[];
  failed: number;
}

/** `clients` connections ask for `path` again and again for `ms`. A reply must have a Content-Length. */
export async function httpLoad(port: number, path: string, clients: number, ms: number): Promise<HttpLoad> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const load: HttpLoad = { perSecond: 0, bytesPerSecond: 0, latencies: [], failed: 0 };
  const started = performance.now();
  const end = started + ms;
  let bytes = 0;
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
          if (headEnd < 0 || size === undefined || head[9] !== 0x32) load.failed++;
          left = Number(size ?? 0);
          content = length - headEnd - 4;
        }
        bytes += content;
        left -= content;
        if (left > 0) return true;
        const now = performance.now();
        load.latencies.push(now - before);
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
        if (!done) load.failed++;
        resolve();
      });
    });
  await Promise.all(Array.from({ length: clients }, one));
  const seconds = (performance.now() - started) / 1000;
  load.perSecond = load.latencies.length / seconds;
  load.bytesPerSecond = bytes / seconds;
  return load;
}
