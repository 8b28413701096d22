import type { Connection, ConnectionHandlers } from '../../runtime/context';

/** Bytes that may wait for one side before the other is not read any more. */
const HIGH_WATER = 1024 * 1024;

/**
 * Joins two connections: what one sends the other gets, with back-pressure; each direction ends by itself; a
 * reset is passed on as a reset; a side that is silent for `idleMs` is closed. Resolves when both are closed.
 */
export function join(a: Connection, b: Connection, idleMs: number): Promise<void> {
  return Promise.all([oneWay(a, b, idleMs), oneWay(b, a, idleMs)]).then(() => undefined);
}

function oneWay(from: Connection, to: Connection, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    from.setIdle(idleMs, () => from.destroy());
    from.handle(passTo(to, () => from, resolve));
  });
}

/**
 * One direction alone, for a connection whose handlers are not set by `handle`.
 * @param from the connection that is handled so; it need not be known before `to` is full
 */
export function passTo(to: Connection, from: () => Connection, closed = () => {}): ConnectionHandlers {
  return {
    data: (bytes) => {
      // A copy: the buffer is only lent, and the other side may take it later.
      const sent = to.send(new Uint8Array(bytes));
      const isFull = to.pendingBytes > HIGH_WATER;
      if (isFull) from().pause();
      sent.then(
        () => isFull && from().resume(),
        () => from().destroy(),
      );
    },
    end: () => to.end(),
    close: (error) => {
      if (error) to.reset();
      else to.end();
      closed();
    },
  };
}
