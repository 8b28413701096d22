/**
 * Programs of other people, as they behave on the wire: a receive is a packet, one packet in flight, and
 * whatever manners a test asks for. Written from the description of the protocol alone, without our codec.
 */
import type { Connection, Endpoint, Network } from '../../../runtime/context';

export interface Manners {
  /** How the replica or balancer ends a connection. Default: 'close'. */
  ending?: 'close' | 'reset' | 'never';
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function packet(sequence: number, acknowledgement: number, flags: number, payload = Buffer.alloc(0)): Buffer {
  const big = Buffer.alloc(4);
  big.writeUInt32BE(flags);
  return Buffer.concat([u32(sequence), u32(acknowledgement), big, payload]);
}

function endAs(connection: Connection, { ending = 'close' }: Manners): void {
  if (ending === 'close') connection.end();
  if (ending === 'reset') connection.reset();
}

/** Tells every client the same address, without being asked. */
export async function foreignBalancer(
  net: Network,
  at: Endpoint,
  address: string,
  manners: Manners = {},
): Promise<void> {
  await net.listen(at, (connection) => {
    connection.handle({ data: () => {} });
    connection.write(packet(1, 1, 2, Buffer.from(address)));
    endAs(connection, manners);
  });
}

export interface ForeignReplica {
  /** Every receive, in hex, by connection. */
  received: string[][];
}

/** Serves a page; `partSizes` cuts it into parts that need not be full. */
export async function foreignReplica(
  net: Network,
  at: Endpoint,
  page: Buffer,
  manners: Manners & { partSize?: number } = {},
): Promise<ForeignReplica> {
  const { partSize = 512 } = manners;
  const received: string[][] = [];
  await net.listen(at, (connection) => {
    const log: string[] = [];
    received.push(log);
    let offset = 0;
    let finished = false;
    let pending = Buffer.alloc(0);
    connection.handle({
      data: (bytes) => {
        pending = Buffer.concat([pending, bytes]);
        if (pending.length < 12) return;
        const request = pending;
        pending = Buffer.alloc(0);
        log.push(request.toString('hex'));
        if (finished) return endAs(connection, manners);
        const part = page.subarray(offset, offset + partSize);
        offset += partSize;
        finished = offset >= page.length;
        connection.write(
          packet(request.readUInt32LE(4), request.readUInt32LE(0) + 1, finished ? 3 : 2, Buffer.from(part)),
        );
      },
    });
  });
  return { received };
}

/** What a foreign client saw of a replica. */
export interface ForeignFetch {
  page: Buffer;
  /** Headers of the parts, in hex. */
  headers: string[];
}

/** Reads the balancer's packet as one receive. */
export function askForeign(net: Network, balancer: Endpoint): Promise<string> {
  return new Promise((resolve, reject) => {
    net.connect(balancer).then((connection) => {
      let all = Buffer.alloc(0);
      connection.handle({
        data: (bytes) => {
          all = Buffer.concat([all, bytes]);
        },
        end: () => {
          connection.end();
          resolve(all.toString('hex'));
        },
        close: (error) => (error ? reject(error) : resolve(all.toString('hex'))),
      });
    }, reject);
  });
}

/** Gets the page as a foreign client does: one receive is one packet, whatever its size. */
export async function fetchForeign(net: Network, replica: Endpoint): Promise<ForeignFetch> {
  const connection = await net.connect(replica);
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const headers: string[] = [];
    connection.handle({
      data: (lent) => {
        const bytes = Buffer.from(lent);
        const flags = bytes.readUInt32BE(8);
        headers.push(bytes.toString('hex', 0, 12));
        pieces.push(bytes.subarray(12));
        const last = (flags & 1) === 1;
        const payloadLength = bytes.length - 12;
        connection.write(
          packet(bytes.readUInt32LE(4), bytes.readUInt32LE(0) + 33 + payloadLength, last ? 5 : 4),
        );
        if (last) resolve({ page: Buffer.concat(pieces), headers });
      },
      close: (error) => reject(error ?? new Error('closed before the last packet')),
    });
    connection.write(packet(12_345, 0, 2));
  });
}
