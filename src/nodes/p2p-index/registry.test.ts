import { describe, expect, it } from 'vitest';
import { encodeMessage, PREFACE } from '../../protocol/p2p-messages';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { FramedPeer, type FramedPeerOptions } from './framed-peer';
import { INDEX_FULL, type Peer, Registry } from './registry';
import { SeedPeer } from './seed-peer';

const MAX_BYTES = 100_000;

function peer(port: number): Peer {
  const connection = { host: '127.0.0.1', port };
  return {
    ...{ id: String(port), connection, port, user: '', framed: true, files: new Map() },
    ...{ uploads: 0, slots: 0, since: 0, drop: () => {} },
  };
}

const file = { size: 1, root: '', complete: true };
const name = (number: number): string => `${number}`.padEnd(200, 'x');

/** Announces until nothing more is taken; returns how many were. */
function fill(registry: Registry, owner: Peer, from = 0): number {
  let at = from;
  while (registry.announce(owner, name(at), file)) at++;
  return at - from;
}

describe('the memory of a P2P index', () => {
  it('has a bound for all peers together, by the length of the names', () => {
    const registry = new Registry(() => {}, MAX_BYTES);
    const [a, b] = [peer(9001), peer(9002)];
    const taken = fill(registry, a);
    expect(taken).toBeGreaterThan(MAX_BYTES / 900);
    expect(taken).toBeLessThan(MAX_BYTES / 400);
    expect(fill(registry, b)).toBe(0);
    expect(registry.replaceNames(b, [name(-1)])).toBe(false);
    expect(registry.announce(a, name(0), { ...file, size: 2 })).toBe(true);
    registry.remove(a);
    expect(fill(registry, b)).toBe(taken);
  });

  it('is given back to the last byte, however the files go', () => {
    const registry = new Registry(() => {}, MAX_BYTES);
    const [a, b] = [peer(9001), peer(9002)];
    const taken = fill(registry, a);
    registry.clear(a);
    for (let round = 0; round < 10; round++) {
      registry.replaceNames(a, ['shared', 'own']);
      registry.announce(b, 'shared', file);
      registry.announce(b, 'shared', { ...file, size: 2 });
      registry.retract(b, 'shared');
      registry.retract(b, 'never there');
      registry.remove(a);
    }
    expect(fill(registry, a)).toBe(taken);
  });
});

describe('a peer whose files cannot be remembered is told so, and let go', () => {
  /** What the index sends, and whether it has let the peer go. */
  async function told(
    serve: (connection: Connection, options: FramedPeerOptions) => { receive(bytes: Uint8Array): void },
    ...sent: Uint8Array[]
  ): Promise<{ text: string; closed: boolean; full: number }> {
    const sim = new Simulation();
    const at = { host: '127.0.0.1', port: 9000 };
    let full = 0;
    await sim.context('index').net.listen(at, (connection) => {
      const served = serve(connection, {
        ...{ context: sim.context('index'), registry: new Registry(() => {}, MAX_BYTES), peer: peer(9001) },
        ...{ accounts: {} as never, guard: {} as never, loginRequired: false, secret: new Uint8Array(32) },
        ...{ changed: () => {}, registered: () => {}, full: () => full++, closed: () => {} },
      });
      connection.handle({ data: (bytes) => served.receive(bytes) });
    });
    const connection = await sim.context('peer').net.connect(at);
    let text = '';
    connection.handle({
      data: (bytes) => {
        text += Buffer.from(bytes).toString('latin1');
      },
    });
    for (const bytes of sent) connection.write(bytes);
    await sim.advance(1000);
    return { text, closed: connection.closed, full };
  }

  const names = Array.from({ length: 200 }, (_, number) => name(number));

  it('in the seed’s dialect', async () => {
    const list = Buffer.from(names.join(' '));
    const outcome = await told(
      (connection, options) => new SeedPeer(connection, options),
      Buffer.from('register 9001'),
      list,
    );
    expect(outcome).toEqual({ text: `SEND FILESERROR ${INDEX_FULL}`, closed: true, full: 1 });
  });

  it('in frames', async () => {
    const root = new Uint8Array(32);
    const outcome = await told(
      (connection, options) => new FramedPeer(connection, options),
      PREFACE,
      encodeMessage({ kind: 'hello', peer: 'me', port: 9001, user: '', nonce: new Uint8Array(16) }),
      encodeMessage({
        ...{ kind: 'announce', reset: true },
        files: names.map((name) => ({ name, ...file, root })),
      }),
    );
    expect(outcome).toMatchObject({ closed: true, full: 1 });
    expect(outcome.text).toContain(INDEX_FULL);
  });
});
