import { describe, expect, it } from 'vitest';
import { Store } from './store';
import type { StudioState } from './studio-store';
import { StudioSync } from './studio-sync';
import { FakeTransport } from './testing/fake-transport';
import { microCdn, snapshotOf, view } from './testing/network';

const settled = () => new Promise((resolve) => setTimeout(resolve));

function setUp() {
  const frames: (() => void)[] = [];
  const later: (() => void)[] = [];
  let fails = false;
  const transport: FakeTransport = new FakeTransport({
    'studio.snapshot': () => {
      if (fails) throw new Error('busy');
      // A panel that asks for ever would never let the test go on, and fail.
      if (snapshots() > 10) return new Promise(() => {});
      return snapshotOf(microCdn(1), { seq: transport.seq });
    },
  });
  const store = new Store<StudioState | null>(null);
  const sync = new StudioSync(transport, store, {
    now: () => 0,
    schedule: (apply) => frames.push(apply),
    later: (_ms, run) => later.push(run),
  });
  const crash = () => transport.push({ type: 'node', node: view('cs1', { phase: 'crashed' }) });
  const phase = () => store.get()?.nodes.get('cs1')?.phase;
  const frame = () => {
    for (const apply of frames.splice(0)) apply();
  };
  const snapshots = () => transport.calls.filter(({ name }) => name === 'studio.snapshot').length;
  return {
    transport,
    store,
    sync,
    frames,
    later,
    crash,
    phase,
    frame,
    snapshots,
    fail: (on: boolean) => (fails = on),
  };
}

describe('StudioSync', () => {
  it('applies any number of batches once per frame', async () => {
    const { sync, transport, crash, phase, frame, frames, store } = setUp();
    sync.start();
    await settled();
    let changes = 0;
    store.subscribe(() => changes++);
    crash();
    crash();
    transport.push({ type: 'node', node: view('cs1', { phase: 'stopped' }) });
    expect(frames).toHaveLength(1);
    expect(phase()).toBe('running');
    frame();
    expect(phase()).toBe('stopped');
    expect(changes).toBe(1);
  });

  it('takes a new snapshot when a batch is missing', async () => {
    const { sync, transport, crash, frame, snapshots, store } = setUp();
    sync.start();
    await settled();
    transport.lose();
    crash();
    frame();
    await settled();
    expect(snapshots()).toBe(2);
    expect(store.get()?.seq).toBe(2);
  });

  it('applies what came while the snapshot was under way', async () => {
    const { sync, transport, crash, phase, frame } = setUp();
    let answer: () => void = () => undefined;
    const taken = snapshotOf(microCdn(1), { seq: 0 });
    transport.answers['studio.snapshot'] = () => new Promise((resolve) => (answer = () => resolve(taken)));
    sync.start();
    crash();
    frame();
    expect(phase()).toBeUndefined();
    answer();
    await settled();
    expect(phase()).toBe('crashed');
  });

  it('takes a new snapshot after the connection was away', async () => {
    const { sync, transport, snapshots } = setUp();
    sync.start();
    await settled();
    transport.connection('reconnecting');
    transport.connection('connected');
    await settled();
    expect(snapshots()).toBe(2);
  });

  it('forgets the batches of a session that ended: the next one counts anew', async () => {
    const { sync, transport, crash, phase, frame, snapshots } = setUp();
    sync.start();
    await settled();
    transport.seq = 40;
    crash();
    transport.connection('reconnecting');
    transport.seq = 0;
    transport.connection('connected');
    await settled();
    crash();
    frame();
    await settled();
    expect(phase()).toBe('crashed');
    expect(snapshots()).toBe(2);
  });

  it('tries a failed snapshot again', async () => {
    const { sync, later, store, fail } = setUp();
    fail(true);
    sync.start();
    await settled();
    expect(store.get()).toBeNull();
    fail(false);
    for (const run of later.splice(0)) run();
    await settled();
    expect(store.get()).not.toBeNull();
  });
});
