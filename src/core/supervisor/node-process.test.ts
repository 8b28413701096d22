import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deaf, obedient, ScriptedLauncher } from '../testing/scripted-launcher';
import { NodeProcess, type NodeProcessState } from './node-process';

const deadlines = { startMs: 10_000, stopMs: 5000, drainMs: 60_000 };

function setUp(launcher = new ScriptedLauncher()) {
  const states: NodeProcessState[] = [];
  const onDisobedience = vi.fn();
  const process = new NodeProcess({
    launcher,
    name: 'CS1',
    start: {
      kind: 'content-server',
      config: { tcpPort: 7001 },
      seed: 1,
      faults: [],
      watch: { visible: false, messages: false },
    },
    deadlines,
    onState: (state) => states.push(state),
    onTelemetry: () => undefined,
    onOutput: () => undefined,
    onDisobedience,
  });
  return { launcher, process, states, onDisobedience, phases: () => states.map(({ phase }) => phase) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a node that is healed', () => {
  it('must confirm it in time; one that is given a fault need not', async () => {
    const { process, launcher, onDisobedience } = setUp();
    process.launch();
    await process.settled;
    launcher.script = deaf;
    process.setFaults([], { heals: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onDisobedience).not.toHaveBeenCalled();

    launcher.script = obedient;
    process.setFaults([], { heals: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onDisobedience).not.toHaveBeenCalled();

    launcher.script = deaf;
    process.setFaults([], { heals: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onDisobedience).toHaveBeenCalledOnce();
  });
});

describe('a node whose process does not exist yet', () => {
  it('is started with what was set meanwhile', () => {
    const launcher = new ScriptedLauncher();
    launcher.autoSpawn = false;
    const { process } = setUp(launcher);
    process.launch();
    const fault = { id: 'f', kind: 'loss', node: 'CS1', scope: {}, params: {}, enabled: true };
    const watch = { visible: true, messages: true };
    process.setFaults([fault], { heals: false });
    process.setWatch(watch);
    launcher.of('CS1').spawned();
    expect(launcher.of('CS1').last('start')).toMatchObject({ faults: [fault], watch });
  });
});

describe('a node process', () => {
  it('runs when it says that it is ready, and stops when it is asked to', async () => {
    const { process, launcher, states } = setUp();
    process.launch();
    await process.settled;
    expect(process.state).toMatchObject({ phase: 'running', ports: { tcp: 7001 }, pid: 1000 });

    process.stop();
    await process.ended;
    expect(process.state.phase).toBe('stopped');
    expect(process.state.reason).toBeUndefined();
    expect(launcher.of('CS1').killed).toBe(false);
    expect(states.at(-1)?.pid).toBeUndefined();
  });

  it('says what it waits for and until when', () => {
    const launcher = new ScriptedLauncher();
    launcher.script = deaf;
    const { process } = setUp(launcher);
    process.launch();
    expect(process.state.waitingFor).toBeTruthy();
    expect(process.state.deadline).toBe(Date.now() + deadlines.startMs);
  });

  it('is killed and called crashed when it is not ready in time', async () => {
    const launcher = new ScriptedLauncher();
    launcher.script = deaf;
    const { process } = setUp(launcher);
    process.launch();
    await vi.advanceTimersByTimeAsync(deadlines.startMs);
    await process.ended;
    expect(launcher.of('CS1').killed).toBe(true);
    expect(process.state).toMatchObject({ phase: 'crashed', reason: { code: 'START_TIMEOUT' } });
  });

  it('is killed when it ignores a stop, and still counts as stopped', async () => {
    const launcher = new ScriptedLauncher();
    launcher.script = (message, child) => {
      if (message.type === 'start') obedient(message, child);
    };
    const { process } = setUp(launcher);
    process.launch();
    await process.settled;
    process.stop();
    expect(process.state.phase).toBe('stopping');
    await vi.advanceTimersByTimeAsync(deadlines.stopMs);
    expect(process.state).toMatchObject({ phase: 'stopped', reason: { code: 'FORCED' } });
  });

  it('drains, then stops by itself', async () => {
    const launcher = new ScriptedLauncher();
    launcher.script = (message, child) => {
      if (message.type !== 'drain') obedient(message, child);
    };
    const { process } = setUp(launcher);
    process.launch();
    await process.settled;
    process.drain();
    expect(process.state.phase).toBe('draining');
    launcher.of('CS1').say({ type: 'drained' });
    await process.ended;
    expect(process.state).toMatchObject({ phase: 'stopped', reason: { code: 'DRAINED' } });
  });

  it('calls a drain late at its deadline, but never cuts the clients off by itself', async () => {
    const launcher = new ScriptedLauncher();
    launcher.script = (message, child) => {
      if (message.type !== 'drain') obedient(message, child);
    };
    const { process } = setUp(launcher);
    process.launch();
    await process.settled;
    process.drain();
    await vi.advanceTimersByTimeAsync(deadlines.drainMs * 10);
    expect(process.state).toMatchObject({ phase: 'draining', reason: { code: 'LATE' } });
    process.kill();
    expect(process.state).toMatchObject({ phase: 'stopped', reason: { code: 'FORCED' } });
  });

  it('tells a kill on purpose from a crash, whatever the exit says', async () => {
    const killed = setUp();
    killed.process.launch();
    await killed.process.settled;
    killed.process.kill();
    expect(killed.process.state).toMatchObject({ phase: 'crashed', reason: { code: 'KILLED' } });

    const crashed = setUp();
    crashed.process.launch();
    await crashed.process.settled;
    crashed.launcher.of('CS1').exit({ code: 0 });
    expect(crashed.process.state).toMatchObject({ phase: 'crashed', reason: { code: 'CRASHED' } });
  });

  it('quotes the error from the output of a crash', async () => {
    const { process, launcher } = setUp();
    process.launch();
    await process.settled;
    const child = launcher.of('CS1');
    for (const line of ['/app/node.js:7', 'TypeError: x is not a function', '    at run (node.js:7)', ''])
      child.output(line);
    child.exit({ code: 1 });
    expect(process.state.reason?.message).toContain('TypeError: x is not a function');
  });

  it('keeps the reason of a fatal error', async () => {
    const launcher = new ScriptedLauncher();
    const error = { code: 'EADDRINUSE', message: 'address in use' };
    launcher.script = (message, child) => {
      if (message.type !== 'start') return;
      child.say({ type: 'fatal', error });
      child.exit({ code: 1 });
    };
    const { process } = setUp(launcher);
    process.launch();
    await process.ended;
    expect(process.state).toMatchObject({ phase: 'crashed', reason: error });
  });

  it('counts an exit once, however often it is reported', async () => {
    const { process, launcher, states } = setUp();
    process.launch();
    await process.settled;
    const child = launcher.of('CS1');
    child.exit({ code: 1 });
    const count = states.length;
    child.exit({ code: 0 });
    child.say({ type: 'ready', ports: {} });
    expect(states.length).toBe(count);
    expect(process.state.phase).toBe('crashed');
  });

  it('is killed as soon as it exists when that was wanted before', async () => {
    const launcher = new ScriptedLauncher();
    launcher.autoSpawn = false;
    const { process } = setUp(launcher);
    process.launch();
    process.kill();
    expect(process.state.phase).toBe('starting');
    launcher.of('CS1').spawned();
    expect(process.state).toMatchObject({ phase: 'crashed', reason: { code: 'KILLED' } });
    expect(launcher.of('CS1').received).toEqual([]);
  });

  it('is stopped as soon as it exists when that was wanted before', async () => {
    const launcher = new ScriptedLauncher();
    launcher.autoSpawn = false;
    const { process } = setUp(launcher);
    process.launch();
    process.stop();
    launcher.of('CS1').spawned();
    expect(process.state.phase).toBe('stopped');
  });

  it('does not wait for ever for a process that survives SIGKILL, and kills it when it comes late', async () => {
    const launcher = new ScriptedLauncher();
    launcher.mortal = false;
    const { process } = setUp(launcher);
    process.launch();
    await process.settled;
    process.kill();
    await vi.advanceTimersByTimeAsync(2000);
    expect(process.state).toMatchObject({ phase: 'crashed', reason: { code: 'UNKILLABLE' } });

    const late = new ScriptedLauncher();
    late.autoSpawn = false;
    const other = setUp(late);
    other.process.launch();
    await vi.advanceTimersByTimeAsync(deadlines.startMs + 2000);
    expect(other.process.alive).toBe(false);
    late.of('CS1').spawned();
    expect(late.of('CS1').killed).toBe(true);
  });

  it('leaves no timer behind', async () => {
    const { process } = setUp();
    process.launch();
    await process.settled;
    process.stop();
    await process.ended;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('an operation', () => {
  it('answers with the result, and with progress before it', async () => {
    const launcher = new ScriptedLauncher();
    launcher.script = (message, child) => {
      obedient(message, child);
      if (message.type !== 'operate') return;
      child.say({ type: 'progress', call: message.call, value: { bytes: 1 } });
      child.say({ type: 'result', call: message.call, value: 42 });
    };
    const { process } = setUp(launcher);
    process.launch();
    await process.settled;
    const progress: unknown[] = [];
    const answer = process.operate('ask', {}, { progress: (value) => progress.push(value) });
    await expect(answer).resolves.toBe(42);
    expect(progress).toEqual([{ bytes: 1 }]);
  });

  it('fails with the words of the node, and when the node ends meanwhile', async () => {
    const { process, launcher } = setUp();
    process.launch();
    await process.settled;
    const refused = process.operate('ask', {});
    launcher.of('CS1').say({ type: 'failed', call: 1, error: { code: 'NO', message: 'No.' } });
    await expect(refused).rejects.toMatchObject({ code: 'NO' });

    const interrupted = process.operate('ask', {});
    process.kill();
    await expect(interrupted).rejects.toMatchObject({ code: 'NODE_ENDED' });
    await expect(process.operate('ask', {})).rejects.toMatchObject({ code: 'NODE_NOT_RUNNING' });
  });

  it('can be cancelled, even when the node hangs', async () => {
    const { process, launcher } = setUp();
    process.launch();
    await process.settled;
    const abort = new AbortController();
    const answer = process.operate('ask', {}, { signal: abort.signal });
    abort.abort(new Error('enough'));
    expect(launcher.of('CS1').last('cancel')).toEqual({ type: 'cancel', call: 1 });
    const outcome = expect(answer).rejects.toThrow('enough');
    await vi.advanceTimersByTimeAsync(2000);
    await outcome;
  });
});
