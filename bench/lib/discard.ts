/** A receiver that keeps nothing. */
import { connect } from 'node:net';

/**
 * Sends a request and throws away what comes, through one reused buffer, until the server closes.
 * @param bytes that have to come, at least
 */
export function discard(port: number, request: string, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafe(2 ** 20),
        callback: (length) => {
          received += length;
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('close', () =>
      received >= bytes ? resolve() : reject(new Error(`only ${received} bytes came`)),
    );
    socket.write(request);
  });
}
