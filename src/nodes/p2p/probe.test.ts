import { describe, expect, it } from 'vitest';
import { Simulation } from '../../runtime/testing/simulation';
import { answerProbes, speaksFrames, whoSpeaksFrames } from './probe';

const at = (port: number, host = '127.0.0.1') => ({ host, port });

describe('asking who speaks frames', () => {
  it('finds those who answer among many, and waits no longer than for the last', async () => {
    const sim = new Simulation();
    const all = Array.from({ length: 40 }, (_, number) => at(9100 + number));
    for (const to of all) await answerProbes(sim.context(`peer${to.port}`), to);
    const silent = at(9000);
    const found = whoSpeaksFrames(sim.context('asker'), [...all, silent]);
    await sim.advance(1000);
    expect(await found).toEqual(all);
    expect(sim.clock.pending).toBe(0);
    const before = sim.clock.now();
    const quick = whoSpeaksFrames(sim.context('asker'), all);
    let after = 0;
    void quick.then(() => {
      after = sim.clock.now();
    });
    await sim.advance(1000);
    expect(await quick).toEqual(all);
    expect(after - before).toBeLessThan(100);
  });

  it('asks again when a datagram is lost, knows a name by its port, and ends when it is told to', async () => {
    const sim = new Simulation();
    await answerProbes(sim.context('peer'), at(9001));
    let lost = 0;
    const asker = sim.context('asker');
    const { bind } = asker.net;
    const lossy = {
      ...asker,
      net: {
        ...asker.net,
        bind: async (...args: Parameters<typeof bind>) => {
          const socket = await bind.apply(asker.net, args);
          return {
            local: socket.local,
            close: () => socket.close(),
            send: (...sent: Parameters<typeof socket.send>) =>
              lost++ === 0 ? undefined : socket.send(...sent),
          };
        },
      },
    };
    const found = speaksFrames(lossy, at(9001, 'localhost'));
    await sim.advance(1000);
    expect([await found, lost]).toEqual([true, 2]);
    const controller = new AbortController();
    const aborted = speaksFrames(asker, at(9000), controller.signal);
    controller.abort(new Error('Enough.'));
    await expect(aborted).rejects.toThrow('Enough.');
    await sim.advance(10);
    expect(sim.clock.pending).toBe(0);
  });
});
