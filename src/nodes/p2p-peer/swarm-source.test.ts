import { expect, it } from 'vitest';
import { encodeMessage, PREFACE } from '../../protocol/p2p-messages';
import { layoutOf } from '../../protocol/pieces/layout';
import { PieceMap } from '../../protocol/pieces/piece-map';
import { PieceScheduler } from '../../protocol/pieces/scheduler';
import { Simulation } from '../../runtime/testing/simulation';
import { SwarmSource } from './swarm-source';

const AT = { host: '127.0.0.1', port: 9001 };

it('knows a piece that the peer got in the same segment in which it told what it has', async () => {
  const sim = new Simulation();
  const layout = layoutOf(1_000_000);
  const root = new Uint8Array(32).fill(7);
  await sim.context('holder').net.listen(AT, (connection) => {
    const map = new PieceMap(layout.count).toBytes();
    connection.handle({ data: () => {} });
    connection.write(
      Buffer.concat([
        PREFACE,
        encodeMessage({ kind: 'fileInfo', name: 'f', size: layout.size, pieceSize: layout.pieceSize, root }),
        encodeMessage({ kind: 'haveMap', map }),
        encodeMessage({ kind: 'have', piece: 2 }),
      ]),
    );
  });
  const context = sim.context('asker');
  const source = new SwarmSource({
    ...{ context, peer: 'me', port: 9002, at: AT, name: 'f' },
    expected: { root, layout },
  });
  const scheduler = new PieceScheduler(
    {
      ...{ layout, verified: new PieceMap(layout.count), order: 'rarest', timeoutMs: 1000 },
      random: () => 0,
    },
    0,
  );
  const nothing = (): void => {};
  const have = (piece: number): void => scheduler.have(source.id, piece);
  const opening = source.open(
    { data: nothing, rejected: nothing, choked: nothing, have, life: nothing, gone: nothing },
    new AbortController().signal,
  );
  await sim.settle();
  const open = await opening;
  scheduler.addSource(source.id, open.available, open.roundTripMs, 0);
  expect([...scheduler.availability()]).toEqual([0, 0, 1, 0]);
  open.close();
});
