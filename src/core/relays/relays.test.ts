import { afterEach, describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../contract/workspace';
import { ScriptedLauncher } from '../testing/scripted-launcher';
import { type TestCore, testCore } from '../testing/test-core';

const open: TestCore[] = [];
async function setUp() {
  const studio = await testCore(new ScriptedLauncher());
  open.push(studio);
  const { call, core } = studio;
  const add = async (kind: string, config: Record<string, unknown> = {}): Promise<string> => {
    const { ids } = await call('workspace.apply', { command: { type: 'add-node', kind, config } });
    return ids[0] as string;
  };
  const spec = (id: string): NodeSpec => core.supervisor.spec(id);
  /** What its present process was started with. */
  const started = (id: string) => {
    const { pid } = studio.node(id);
    const launcher = core.options.launcher as ScriptedLauncher;
    return launcher.processes.find((process) => process.pid === pid)?.last('start')?.config;
  };
  return { ...studio, add, spec, started };
}
afterEach(async () => {
  for (const studio of open.splice(0)) await studio.end();
});

const outside = { host: '127.0.0.1', port: 16_000 };

describe('a relay on a link that our node opens', () => {
  it('has the link led over it, at once', async () => {
    const { add, spec, started, call, phase, notice } = await setUp();
    const server = await add('content-server', { monitor: outside, index: outside });
    await call('nodes.start', { ids: [server] });
    await phase(server, 'running');
    const { id: relay } = await call('relays.insert', { node: server, outside });
    expect(spec(relay).config).toMatchObject({ tcpTarget: outside, udpTarget: outside, client: '' });
    expect(spec(server).config).toMatchObject({ index: { node: relay }, monitor: { node: relay } });
    await phase(relay, 'running');
    await phase(server, 'running');
    const { tcpPort, udpPort } = spec(relay).config;
    expect(started(relay)).toMatchObject({ tcpTarget: outside, udpTarget: outside });
    expect(started(server)).toMatchObject({ index: { port: tcpPort }, monitor: { port: udpPort } });
    await notice(/reaches 127.0.0.1:16000 over Relay1 now, and was restarted for it/);
  });

  it('is one step of the history', async () => {
    const { add, spec, call, core } = await setUp();
    const server = await add('content-server', { index: outside });
    const { id: relay } = await call('relays.insert', { node: server, outside });
    expect(spec(relay).config.udpTarget).toBeNull();
    await call('workspace.undo', {});
    expect(core.workspace.document.nodes.map(({ id }) => id)).toEqual([server]);
    expect(spec(server).config.index).toEqual(outside);
    await call('workspace.redo', {});
    expect(spec(server).config.index).toEqual({ node: relay });
  });

  it('gives the link back when it is removed, or deleted, even behind another', async () => {
    const { add, spec, call, phase, started } = await setUp();
    const server = await add('content-server', { index: outside });
    await call('nodes.start', { ids: [server] });
    await phase(server, 'running');
    const { id: relay } = await call('relays.insert', { node: server, outside });
    await call('relays.remove', { id: relay });
    await phase(server, 'running');
    expect(spec(server).config.index).toEqual(outside);
    expect(started(server)).toMatchObject({ index: outside });

    const first = await add('relay', { tcpTarget: outside, udpTarget: null });
    const second = await add('relay', { tcpTarget: { node: first }, udpTarget: null });
    await call('workspace.apply', {
      command: { type: 'configure-node', id: server, config: { index: { node: second } } },
    });
    await call('workspace.apply', { command: { type: 'remove-nodes', ids: [first, second] } });
    expect(spec(server).config.index).toEqual(outside);
  });

  it('leaves other links as they are', async () => {
    const { add, spec, call } = await setUp();
    const other = { host: '127.0.0.1', port: 17_000 };
    const balancer = await add('http-balancer', { servers: [other, outside] });
    const { id: relay } = await call('relays.insert', { node: balancer, outside });
    expect(spec(balancer).config.servers).toEqual([other, { node: relay }]);
    await call('relays.remove', { id: relay });
    expect(spec(balancer).config.servers).toEqual([other, outside]);
  });
});

describe('a relay on a link that the program outside opens', () => {
  it('leads to our node, and the person is told what to give the program', async () => {
    const { add, spec, started, call, phase, notice } = await setUp();
    const monitor = await add('monitor');
    await call('nodes.start', { ids: [monitor] });
    await phase(monitor, 'running');
    const { id: relay } = await call('relays.insert', { node: monitor, outside });
    await phase(relay, 'running');
    const { tcpPort, udpPort } = spec(relay).config;
    const { config } = spec(monitor);
    expect(started(relay)).toMatchObject({
      tcpTarget: { port: config.tcpPort },
      udpTarget: { port: config.udpPort },
      client: '127.0.0.1:16000',
    });
    const at = (port: unknown): string => `127.0.0.1:${port}`;
    expect(await notice(/^Relay1 waits for 127.0.0.1:16000$/)).toMatchObject({
      notice: {
        text:
          `Give that program the address ${at(tcpPort)} instead of ${at(config.tcpPort)} for connections, ` +
          `and ${at(udpPort)} instead of ${at(config.udpPort)} for datagrams.`,
      },
    });
  });

  it('can stand before a node whose port has another name', async () => {
    const { add, spec, started, call, phase } = await setUp();
    const origin = await add('http-origin');
    const { id: relay } = await call('relays.insert', { node: origin, outside });
    await call('nodes.start', { ids: [relay] });
    await phase(relay, 'running');
    const port = Object.values(spec(origin).config).find(
      (value) => typeof value === 'number' && value >= 8000,
    );
    expect(started(relay)).toMatchObject({ tcpTarget: { host: '127.0.0.1', port } });
  });

  it('is refused where nobody connects to the node', async () => {
    const { add, call, core } = await setUp();
    const client = await add('client');
    await expect(call('relays.insert', { node: client, outside })).rejects.toMatchObject({
      code: 'NO_RELAY',
    });
    expect(core.workspace.document.nodes).toHaveLength(1);
  });
});
