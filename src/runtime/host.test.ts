import { describe, expect, it, vi } from 'vitest';
import { StudioError } from '../contract/errors';
import type { FromNode, NodeTelemetry } from '../contract/node-port';
import type { CreateNode, NodeContext, NodeProgram } from './context';
import { NodeHost, type StartMessage } from './host';

function host(
  program: (context: NodeContext) => Partial<NodeProgram>,
  watch = { visible: true, messages: false },
) {
  const posted: FromNode[] = [];
  const create: CreateNode<never> = (_config, context) => ({
    start: async () => ({}),
    drain: async () => {},
    stop: async () => {},
    ...program(context),
  });
  const start: StartMessage = { type: 'start', kind: 'test', config: {}, seed: 1, faults: [], watch };
  const node = new NodeHost(create, start, (message) => posted.push(message));
  const of = <Type extends FromNode['type']>(type: Type) =>
    posted.filter((message): message is Extract<FromNode, { type: Type }> => message.type === type);
  const telemetry = (): NodeTelemetry[] => of('telemetry').map((message) => message.telemetry);
  return { node, posted, of, telemetry };
}

describe('a hosted node', () => {
  it('says that it is ready, drained and stopped, in the order it was told', async () => {
    const { node, posted } = host(() => ({ start: async () => ({ tcp: 5050 }) }));
    await node.start();
    await node.receive({ type: 'drain' });
    await node.receive({ type: 'stop' });
    expect(posted.filter(({ type }) => type !== 'telemetry')).toEqual([
      { type: 'ready', ports: { tcp: 5050 } },
      { type: 'drained' },
      { type: 'stopped' },
    ]);
  });

  it('says why it cannot start, with the code', async () => {
    const { node, of } = host(() => ({
      start: async () => {
        throw Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });
      },
    }));
    await node.start();
    expect(of('fatal')).toEqual([
      { type: 'fatal', error: { code: 'EADDRINUSE', message: 'listen EADDRINUSE' } },
    ]);
  });

  it('runs operations with paced progress, the last value always', async () => {
    const { node, of } = host(() => ({
      operations: {
        count: async (to, scope) => {
          for (let at = 1; at <= (to as number); at++) scope.progress({ at });
          return 'counted';
        },
      },
    }));
    await node.receive({ type: 'operate', call: 7, operation: 'count', input: 1000 });
    const progress = of('progress');
    expect(progress.length).toBeLessThan(10);
    expect(progress[0]).toEqual({ type: 'progress', call: 7, value: { at: 1 } });
    expect(progress.at(-1)).toEqual({ type: 'progress', call: 7, value: { at: 1000 } });
    expect(of('result')).toEqual([{ type: 'result', call: 7, value: 'counted' }]);
  });

  it('cancels one operation and leaves the others', async () => {
    const { node, of } = host(() => ({
      operations: {
        wait: (_input, scope) =>
          new Promise((_resolve, reject) =>
            scope.signal.addEventListener('abort', () => reject(scope.signal.reason)),
          ),
      },
    }));
    const first = node.receive({ type: 'operate', call: 1, operation: 'wait', input: null });
    void node.receive({ type: 'operate', call: 2, operation: 'wait', input: null });
    await node.receive({ type: 'cancel', call: 1 });
    await first;
    expect(of('failed').map(({ call }) => call)).toEqual([1]);
    await node.receive({ type: 'stop' });
    await vi.waitFor(() => expect(of('failed').map(({ call }) => call)).toEqual([1, 2]));
  });

  it('answers an unknown operation, and a failed one, with the error', async () => {
    const { node, of } = host(() => ({
      operations: {
        fail: () => {
          throw new StudioError('NO_SUCH_FILE', 'There is no such file.', 'Choose another.');
        },
      },
    }));
    await node.receive({ type: 'operate', call: 1, operation: 'nothing', input: null });
    await node.receive({ type: 'operate', call: 2, operation: 'fail', input: null });
    expect(of('failed').map(({ error }) => error)).toEqual([
      expect.objectContaining({ code: 'UNKNOWN_OPERATION' }),
      { code: 'NO_SUCH_FILE', message: 'There is no such file.', hint: 'Choose another.' },
    ]);
  });
});

describe('telemetry', () => {
  it('batches what happens and sends counters, snapshot, events and logs', async () => {
    const { node, telemetry } = host((context) => ({
      start: async () => {
        for (let lookup = 0; lookup < 500; lookup++) context.telemetry.count('lookups');
        context.telemetry.publish(() => ({ files: 3 }));
        context.telemetry.event({ type: 'file-added', text: 'a.txt came', subject: 'a.txt' });
        context.log.warn('careful');
        return {};
      },
    }));
    await node.start();
    await node.receive({ type: 'stop' });
    const [batch] = telemetry();
    expect(telemetry()).toHaveLength(1);
    expect(batch).toMatchObject({
      counters: { lookups: 500 },
      snapshot: { files: 3 },
      events: [{ type: 'file-added', subject: 'a.txt' }],
      logs: [{ level: 'warn', text: 'careful' }],
    });
  });

  it('caps what a busy node tells, and says how much it left out', async () => {
    const { node, telemetry } = host((context) => ({
      start: async () => {
        for (let line = 0; line < 1000; line++) context.log.info(`line ${line}`);
        return {};
      },
    }));
    await node.start();
    await node.receive({ type: 'stop' });
    expect(telemetry()[0]?.logs).toHaveLength(200);
    expect(telemetry()[0]?.dropped).toBe(800);
  });

  it('does not even decode messages while nobody watches them', async () => {
    let context: NodeContext | undefined;
    const { node, telemetry } = host((given) => {
      context = given;
      return {};
    });
    const text = vi.fn(() => 'HELLO');
    const peer = { host: '127.0.0.1', port: 1 };
    context?.telemetry.trace('in', 'tcp', peer, text);
    expect(text).not.toHaveBeenCalled();
    await node.receive({ type: 'watch', watch: { visible: true, messages: true } });
    context?.telemetry.trace('in', 'tcp', peer, text);
    await node.receive({ type: 'stop' });
    expect(telemetry().flatMap((batch) => batch.messages ?? [])).toEqual([
      expect.objectContaining({ direction: 'in', text: 'HELLO', peer }),
    ]);
  });

  it('measures connections that the node opened, by far address', async () => {
    const { node, telemetry } = host((context) => ({
      start: async () => {
        const listener = await context.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
          connection.handle({ data: () => connection.end('12345') });
        });
        const client = await context.net.connect(listener.local);
        client.write('GET');
        await new Promise<void>((resolve) => client.handle({ data: () => {}, close: () => resolve() }));
        await listener.close();
        return { tcp: listener.local.port };
      },
    }));
    await node.start();
    await node.receive({ type: 'stop' });
    const flows = telemetry().flatMap((batch) => batch.flows ?? []);
    expect(flows).toEqual([
      expect.objectContaining({ transport: 'tcp', opened: 1, sentBytes: 3, receivedBytes: 5, open: 0 }),
    ]);
  });
});
