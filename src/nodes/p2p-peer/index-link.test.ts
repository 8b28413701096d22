import { describe, expect, it } from 'vitest';
import { encodeMessage, FrameReader, type P2pMessage, PREFACE } from '../../protocol/p2p-messages';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { answerProbes } from '../p2p/probe';
import { IndexLink } from './index-link';

const INDEX = { host: '127.0.0.1', port: 9000 };
const SALT = new Uint8Array(32);

const welcome: P2pMessage = { kind: 'welcome', peer: 'me', signature: SALT };

/** An index of frames that answers the greeting with these bytes, in one segment. */
async function scriptedIndex(sim: Simulation, ...answer: Uint8Array[]): Promise<void> {
  const context = sim.context('index');
  await answerProbes(context, INDEX);
  await context.net.listen(INDEX, (connection) => {
    let greeted = false;
    connection.handle({
      data: () => {
        if (!greeted) connection.write(Buffer.concat([PREFACE, ...answer]));
        greeted = true;
      },
    });
  });
}

function linkOf(sim: Simulation, user = ''): IndexLink {
  return new IndexLink({
    context: sim.context('peer'),
    index: INDEX,
    identity: { peer: 'me', port: 9001, user, password: user && 'secret' },
    register: true,
    strict: false,
    files: () => [],
    changed: () => {},
  });
}

describe('an index that greets and breaks off in one segment', () => {
  it.each([
    [
      'a refusal',
      encodeMessage({ kind: 'refuse', code: 'LOCKED', text: 'Not now.' }),
      { state: 'refused', detail: 'Not now.' },
    ],
    ['garbage', Buffer.alloc(64, 0xff), { state: 'unreachable' }],
  ])('counts as lost, with the reason, and leaves nothing behind (%s)', async (_what, bytes, outcome) => {
    const sim = new Simulation();
    await scriptedIndex(sim, encodeMessage(welcome), bytes);
    const link = linkOf(sim);
    link.start();
    await sim.advance(250);
    expect(link).toMatchObject(outcome);
    link.stop();
    expect(sim.clock.pending).toBe(0);
  });
});

it('an index that asks for no proof of a peer with a password, and so gives none of itself, is not believed', async () => {
  const sim = new Simulation();
  await scriptedIndex(sim, encodeMessage(welcome));
  const link = linkOf(sim, 'alice');
  link.start();
  await sim.advance(250);
  expect(link.state).toBe('refused');
  expect(link.detail).toContain('impostor');
  link.stop();
});

it('stops to follow a file also where it was connected again meanwhile', async () => {
  const sim = new Simulation();
  const said: string[] = [];
  const connections: Connection[] = [];
  const context = sim.context('index');
  await answerProbes(context, INDEX);
  await context.net.listen(INDEX, (connection) => {
    connections.push(connection);
    const reader = new FrameReader({ message: ({ kind }) => said.push(kind), data: () => {} });
    connection.handle({ data: (bytes) => reader.push(bytes) });
    connection.write(Buffer.concat([PREFACE, encodeMessage(welcome)]));
  });
  const link = linkOf(sim);
  link.start();
  await sim.advance(250);
  const stop = link.follow('f', () => {});
  connections[0]?.destroy();
  await sim.advance(1000);
  expect(connections).toHaveLength(2);
  said.length = 0;
  stop();
  await sim.advance(10);
  expect(said).toEqual(['unfollow']);
  link.stop();
});
