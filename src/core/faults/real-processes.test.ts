/** Faults in real processes: healed even where the process cannot obey, and kept over its restart. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../contract/fault';
import { childProcessLauncher } from '../../headless/launcher';
import { nodeEntry } from '../../testing/programs';
import { addRunning, restart, runningAgain } from '../testing/real-nodes';
import { type TestCore, testCore } from '../testing/test-core';
import { waitFor } from '../testing/wait-for';

const open: TestCore[] = [];
/** @param obeyMs a heal that is not confirmed by then is followed by a restart */
async function setUp(obeyMs: number): Promise<TestCore> {
  const studio = await testCore(childProcessLauncher(nodeEntry()), { obeyMs });
  open.push(studio);
  return studio;
}
afterEach(async () => {
  for (const studio of open.splice(0)) await studio.end();
});

const fault = (kind: string, node: string, rest: Partial<FaultSpec> = {}): FaultSpec => ({
  ...{ id: kind, kind, node, scope: {}, params: {}, enabled: true },
  ...rest,
});
const types = ({ core }: TestCore): string[] => core.journal.list({ limit: 500 }).map(({ type }) => type);

describe.skipIf(process.platform === 'win32')('a process that cannot obey a heal', () => {
  const stall = (id: string) => fault('stall', id, { params: { lasts: 30_000, pause: 10 } });

  /** Resolves when the process does nothing any more: it is idle, or spins, but it sends no telemetry. */
  async function stuck(studio: TestCore, id: string): Promise<void> {
    const answer = studio.call('nodes.operate', { id, operation: 'decisions', input: {} }).then(
      () => 'answered',
      () => 'ended',
    );
    const silent = new Promise((resolve) => setTimeout(() => resolve('silent'), 300));
    if ((await Promise.race([answer, silent])) !== 'silent') return stuck(studio, id);
  }

  it.each([
    [
      'whose event loop stands still is restarted by Heal',
      async ({ call }: TestCore, id: string) => {
        await call('faults.set', { faults: [stall(id)] });
        return () => call('faults.remove', { ids: ['stall'] });
      },
    ],
    [
      'whose event loop stands still is restarted by Heal all',
      async ({ call }: TestCore, id: string) => {
        await call('faults.set', { faults: [stall(id)] });
        return () => call('faults.healAll', {});
      },
    ],
    [
      'that somebody else has stopped is restarted by Heal all',
      async ({ call, node }: TestCore, id: string) => {
        await call('faults.set', { faults: [fault('latency', id)] });
        process.kill(node(id).pid as number, 'SIGSTOP');
        return () => call('faults.healAll', {});
      },
    ],
  ])('%s, and the journal says so', async (_what, makeStuck) => {
    const studio = await setUp(300);
    const id = await addRunning(studio, 'index-server');
    const { pid } = studio.node(id);
    const heal = await makeStuck(studio, id);
    await stuck(studio, id);
    await heal();
    expect(studio.core.faults.list()).toEqual([]);
    await runningAgain(studio, id, pid);
    expect(await studio.call('nodes.operate', { id, operation: 'decisions', input: {} })).toEqual([]);
    await waitFor(() => types(studio).filter((type) => type === 'node-started').length === 2, 'the journal');
    expect(types(studio).slice(-4)).toEqual([
      'fault-healed',
      'node-disobedient',
      'node-killed',
      'node-started',
    ]);
    const killed = studio.core.journal.list({ limit: 500 }).find(({ type }) => type === 'node-killed');
    expect(killed?.text).toContain('did not obey the heal within 0.3 s');
  });

  it('is let go on, not restarted, where the studio itself has stopped it', async () => {
    const studio = await setUp(20_000);
    const id = await addRunning(studio, 'index-server');
    const { pid } = studio.node(id);
    await studio.call('faults.set', { faults: [fault('freeze', id)] });
    await stuck(studio, id);
    await studio.call('faults.healAll', {});
    expect(await studio.call('nodes.operate', { id, operation: 'decisions', input: {} })).toEqual([]);
    expect(studio.node(id).pid).toBe(pid);
    expect(types(studio)).not.toContain('node-disobedient');
  });

  it('that only burns obeys at once', async () => {
    const studio = await setUp(20_000);
    const id = await addRunning(studio, 'index-server');
    const { pid } = studio.node(id);
    await studio.call('faults.set', { faults: [fault('cpu-burn', id), fault('hang', id)] });
    await studio.call('faults.healAll', {});
    expect(await studio.call('nodes.operate', { id, operation: 'decisions', input: {} })).toEqual([]);
    expect(studio.node(id).pid).toBe(pid);
  });
});

describe('a fault on a link', () => {
  const beats = (studio: TestCore, id: string): number => studio.node(id).counters.heartbeats ?? 0;
  const heard = (studio: TestCore, monitor: string): unknown[] =>
    (studio.node(monitor).snapshot.servers as unknown[] | undefined) ?? [];

  /** Resolves when the server has sent many heartbeats since it was started. */
  const sent = (studio: TestCore, id: string): Promise<unknown> => {
    const before = beats(studio, id);
    return waitFor(() => {
      const now = beats(studio, id);
      return now >= 5 && (now < before || now >= before + 5);
    }, 'heartbeats');
  };

  it('holds after either end was restarted, also at other ports, until it is healed', async () => {
    const studio = await setUp(20_000);
    const monitor = await addRunning(studio, 'monitor');
    const server = await addRunning(studio, 'content-server');
    await waitFor(() => heard(studio, monitor).length === 1, 'the server to be heard');
    const cut = fault('loss', server, {
      params: { percent: 100 },
      scope: { peer: monitor, direction: 'out', messages: ['HEARTBEAT'] },
    });
    await studio.call('faults.set', { faults: [cut] });

    // The faulted end: the next process begins with the fault.
    await restart(studio, server);
    const { udp } = studio.node(monitor).ports;
    // The other end, which listens elsewhere afterwards; what it has heard, it has heard since.
    await restart(studio, monitor);
    expect(studio.node(monitor).ports.udp).not.toBe(udp);
    await restart(studio, server);
    await sent(studio, server);
    expect(heard(studio, monitor)).toEqual([]);
    expect(studio.core.faults.list().map(({ id }) => id)).toEqual(['loss']);

    await studio.call('faults.healAll', {});
    await waitFor(() => heard(studio, monitor).length === 1, 'the server to be heard again');
  });

  it('comes back with the workspace when the studio is opened again', async () => {
    const studio = await setUp(20_000);
    const monitor = await addRunning(studio, 'monitor');
    const server = await addRunning(studio, 'content-server');
    const scope = { peer: monitor, direction: 'out' as const };
    await studio.call('faults.set', { faults: [fault('loss', server, { params: { percent: 100 }, scope })] });
    await studio.end({ keep: true });
    open.splice(0);

    const again = await testCore(childProcessLauncher(nodeEntry()), { dataFolder: studio.folder });
    open.push(again);
    await again.call('nodes.start', { ids: [monitor, server] });
    await again.phase(server, 'running');
    await sent(again, server);
    expect(heard(again, monitor)).toEqual([]);
    await again.call('faults.healAll', {});
    await waitFor(() => heard(again, monitor).length === 1, 'the server to be heard');
  });
});
