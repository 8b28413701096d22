/** A Micro-CDN of any size as the core would describe it, without processes. */
import type { FlowView, NodeView, Snapshot } from '../../contract/events';
import { settingsSchema } from '../../contract/settings';
import type { NodeSpec } from '../../contract/workspace';

export function spec(id: string, kind: string, name: string, config: Record<string, unknown> = {}): NodeSpec {
  return { id, kind, name, position: { x: 0, y: 0 }, config };
}

export function view(id: string, change: Partial<NodeView> = {}): NodeView {
  return { id, phase: 'running', since: 1000, ports: {}, snapshot: {}, counters: {}, ...change };
}

export function snapshotOf(specs: NodeSpec[], change: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 0,
    shell: { kind: 'headless', version: '0.0.0', platform: 'linux', paths: false, dataFolder: '/data' },
    workspace: {
      document: {
        format: 'micro-cdn-studio',
        version: 1,
        name: 'Test',
        nodes: specs,
        faults: [],
        startOnOpen: false,
      },
      path: '/data/test.json',
      canUndo: false,
      canRedo: false,
    },
    nodes: specs.map(({ id }) => view(id)),
    transfers: [],
    tasks: [],
    journal: [],
    settings: settingsSchema.parse({}),
    faults: [],
    recorder: { phase: 'idle' },
    ...change,
  };
}

/** One index, one monitor, `servers` content servers. */
export function microCdn(servers: number): NodeSpec[] {
  return [
    spec('index', 'index-server', 'Index1', { monitor: { node: 'monitor' } }),
    spec('monitor', 'monitor', 'Monitor1', { index: { node: 'index' } }),
    ...Array.from({ length: servers }, (_, i) =>
      spec(`cs${i + 1}`, 'content-server', `CS${i + 1}`, {
        serverId: `CS${i + 1}`,
        tcpPort: 7001 + i * 100,
        udpPort: 7002 + i * 100,
        index: { node: 'index' },
        monitor: { node: 'monitor' },
      }),
    ),
  ];
}

export function heartbeat(from: string, to = 'monitor'): FlowView {
  return flow({ from, to, role: 'heartbeat', transport: 'udp', opened: 1, sentBytes: 40 });
}

export function flow(change: Partial<FlowView>): FlowView {
  return {
    from: 'a',
    to: 'b',
    role: 'other',
    transport: 'tcp',
    opened: 0,
    open: 0,
    sentBytes: 0,
    receivedBytes: 0,
    overMs: 200,
    ...change,
  };
}
