import { expect, it } from 'vitest';
import { FREE_FAILURES } from '../../protocol/login-guard';
import { encodeMessage, FrameReader, type P2pMessage, PREFACE } from '../../protocol/p2p-messages';
import { Simulation } from '../../runtime/testing/simulation';
import { newNonce, prove } from '../p2p/login';
import { P2pWorld } from '../p2p/testing/p2p-world';
import { FramedPeer } from './framed-peer';
import { type Peer, Registry } from './registry';

const AT = { host: '127.0.0.1', port: 9000 };

function peer(port: number): Peer {
  return {
    ...{ id: String(port), connection: { host: '127.0.0.1', port }, port, user: '', framed: true },
    ...{ files: new Map(), uploads: 0, slots: 0, since: 0, drop: () => {} },
  };
}

it('a list of any length reaches a peer that reads it, and one that does not read costs one part of it', async () => {
  const sim = new Simulation();
  const registry = new Registry(() => {});
  const holder = peer(9001);
  for (let number = 0; number < 20_000; number++)
    registry.announce(holder, `${number}`.padEnd(1000, 'x'), { size: 1, root: '', complete: true });
  const pending: (() => number)[] = [];
  await sim.context('index').net.listen(AT, (connection) => {
    pending.push(() => connection.pendingBytes);
    const framed = new FramedPeer(connection, {
      ...{ context: sim.context('index'), registry, peer: peer(9002), accounts: {} as never },
      ...{ guard: {} as never, loginRequired: false, secret: new Uint8Array(32) },
      ...{ changed: () => {}, registered: () => {}, full: () => {}, closed: () => {} },
    });
    connection.handle({ data: (bytes) => framed.receive(bytes) });
  });
  const connection = await sim.context('peer').net.connect(AT);
  const lists: Extract<P2pMessage, { kind: 'fileList' }>[] = [];
  const reader = new FrameReader({
    message: (message) => message.kind === 'fileList' && lists.push(message),
    data: () => {},
  });
  connection.handle({ data: (bytes) => reader.push(bytes) });
  connection.pause();
  const hello: P2pMessage = { kind: 'hello', peer: 'me', port: 0, user: '', nonce: new Uint8Array(16) };
  connection.write(Buffer.concat([PREFACE, encodeMessage(hello)]));
  for (let asked = 0; asked < 3; asked++) connection.write(encodeMessage({ kind: 'listFiles' }));
  await sim.settle();
  expect(pending[0]?.()).toBeLessThan(1024 * 1024);
  connection.resume();
  await sim.settle();
  expect(connection.closed).toBe(false);
  expect(lists.flatMap(({ files }) => files)).toHaveLength(20_000);
  expect(lists.filter(({ last }) => last)).toHaveLength(1);
});

it('challenges that were asked for before an account was locked are not as many guesses', async () => {
  const world = new P2pWorld();
  await world.index({ login: true, accounts: 'alice:secret' });
  const answers: string[] = [];
  const guesses: (() => Promise<void>)[] = [];
  for (let number = 0; number <= FREE_FAILURES; number++) {
    const connection = await world.inTime(world.sim.network.host('guesser').connect(AT));
    const nonce = newNonce();
    const reader = new FrameReader({
      message: (message) => {
        if (message.kind !== 'challenge')
          return answers.push(message.kind === 'refuse' ? message.code : message.kind);
        return guesses.push(async () => {
          const password = number === FREE_FAILURES ? 'secret' : 'guess';
          const { proof } = await prove('alice', password, nonce, message);
          connection.write(encodeMessage({ kind: 'proof', proof }));
          await world.sim.settle();
        });
      },
      data: () => {},
    });
    connection.handle({ data: (bytes) => reader.push(bytes) });
    connection.write(
      Buffer.concat([PREFACE, encodeMessage({ kind: 'hello', peer: 'x', port: 0, user: 'alice', nonce })]),
    );
    await world.sim.settle();
  }
  for (const guess of guesses) await guess();
  expect(answers.slice(FREE_FAILURES - 1)).toEqual(['LOCKED', 'LOCKED']);
  await world.stop();
});
