import { afterEach, describe, expect, it } from 'vitest';
import { obedient, ScriptedLauncher } from '../testing/scripted-launcher';
import { type TestCore, testCore } from '../testing/test-core';
import { waitFor } from '../testing/wait-for';

let open: TestCore | undefined;
afterEach(() => open?.end());

async function add({ call }: TestCore, kind: string): Promise<string> {
  const { ids } = await call('workspace.apply', { command: { type: 'add-node', kind } });
  return ids[0] as string;
}

describe('draining', () => {
  /** A replica network that runs, whose nodes say that they are drained when the test does. */
  async function replicaNetwork() {
    const launcher = new ScriptedLauncher();
    const studio = await testCore(launcher);
    open = studio;
    const { call, phase } = studio;
    const reader = await add(studio, 'replica-client');
    const replicas = [await add(studio, 'replica-server'), await add(studio, 'replica-server')];
    const balancer = await add(studio, 'replica-balancer');
    const ids = [reader, ...replicas, balancer];
    await call('nodes.start', { ids });
    for (const id of ids) await phase(id, 'running');
    launcher.script = (message, child) => {
      if (message.type !== 'drain') obedient(message, child);
    };
    const drained = (id: string): void =>
      launcher.of(studio.core.supervisor.spec(id).name).say({ type: 'drained' });
    return { ...studio, launcher, ids, reader, replicas, balancer, drained };
  }

  it('a replica network finishes the balancer, then all replicas, then the clients', async () => {
    const { call, phase, node, drained, ids, reader, replicas, balancer } = await replicaNetwork();
    await call('nodes.drain', { ids });
    await phase(balancer, 'draining');
    for (const id of [...replicas, reader]) expect(node(id).phase).toBe('running');
    expect(node(replicas[0] as string).waitingFor).toBe('Balancer1 to be drained first');
    expect(node(reader).waitingFor).toBe('Replica1, Replica2 to be drained first');
    drained(balancer);
    expect((await phase(balancer, 'stopped')).reason?.code).toBe('DRAINED');
    for (const id of replicas) await phase(id, 'draining');
    drained(replicas[0] as string);
    await phase(replicas[0] as string, 'stopped');
    expect(node(reader).phase).toBe('running');
    drained(replicas[1] as string);
    await phase(reader, 'draining');
    drained(reader);
    expect((await phase(reader, 'stopped')).reason?.code).toBe('DRAINED');
  });

  it('is not waited for by nodes of kinds that have no order', async () => {
    const studio = await replicaNetwork();
    const index = await add(studio, 'index-server');
    await studio.call('nodes.start', { ids: [index] });
    await studio.phase(index, 'running');
    await studio.call('nodes.drain', { ids: [...studio.ids, index] });
    await studio.phase(index, 'draining');
    studio.drained(studio.balancer);
    for (const id of studio.replicas) await studio.phase(id, 'draining');
    expect(studio.node(index).phase).toBe('draining');
  });

  it('is cut short by a stop, also for those whose turn has not come', async () => {
    const { call, phase, ids, launcher } = await replicaNetwork();
    await call('nodes.drain', { ids });
    await call('nodes.stop', { ids });
    for (const id of ids) expect((await phase(id, 'stopped')).reason).toBeUndefined();
    expect(launcher.of('Reader1').last('drain')).toBeUndefined();
  });

  it('is over for a node that was restarted before its turn', async () => {
    const { call, phase, node, ids, launcher, reader, replicas, balancer, drained } = await replicaNetwork();
    await call('nodes.drain', { ids });
    await phase(balancer, 'draining');
    await call('nodes.restart', { ids: [reader] });
    await waitFor(
      () => launcher.processes.filter(({ label }) => label === 'Reader1').length === 2,
      'another process',
    );
    await phase(reader, 'running');
    expect(node(reader).waitingFor).toBeUndefined();
    drained(balancer);
    for (const id of replicas) {
      await phase(id, 'draining');
      drained(id);
      await phase(id, 'stopped');
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(node(reader).phase).toBe('running');
  });
});
