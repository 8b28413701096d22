import { describe, expect, it } from 'vitest';
import { faultSpecSchema } from '../contract/fault';
import { dropRefusal, graphOf, linksOf, linkTitle, outsideId, pairKey, sameGraph } from './graph';
import { reduce, type StudioState } from './studio-store';
import { flow, microCdn, snapshotOf, spec, view } from './testing/network';

function stateOf(...[specs, change]: Parameters<typeof snapshotOf>): StudioState {
  return reduce(null, { type: 'snapshot', snapshot: snapshotOf(specs, change), now: 0 }) as StudioState;
}

const withFlow = (state: StudioState, ...flows: ReturnType<typeof flow>[]): StudioState =>
  reduce(state, {
    type: 'batches',
    batches: [{ seq: 1, events: [{ type: 'flows', flows }] }],
    now: 0,
  }) as StudioState;

describe('graphOf', () => {
  it('draws one line between two nodes, whatever goes over it and in which direction', () => {
    const { links } = graphOf(stateOf(microCdn(1)));
    expect(links.map(({ id, roles, transient }) => [id, roles, transient])).toEqual([
      [pairKey('index', 'monitor'), ['health'], false],
      [pairKey('cs1', 'index'), ['registration'], false],
      [pairKey('cs1', 'monitor'), ['heartbeat'], false],
    ]);
  });

  it('draws traffic that no setting names, while it flows', () => {
    const state = stateOf([...microCdn(1), spec('c', 'client', 'Client1')]);
    const busy = withFlow(state, flow({ from: 'c', to: 'cs1', role: 'transfer' }));
    expect(graphOf(busy).links.find(({ id }) => id === pairKey('c', 'cs1'))).toMatchObject({
      transient: true,
    });
    expect(sameGraph(graphOf(state), graphOf(busy))).toBe(false);
    const more = withFlow(state, flow({ from: 'c', to: 'cs1', role: 'transfer', sentBytes: 9 }));
    expect(sameGraph(graphOf(busy), graphOf(more))).toBe(true);
  });

  it('draws what is broken, also when nothing flows there any more', () => {
    const fault = faultSpecSchema.parse({ id: 'f', kind: 'bandwidth', node: 'c', scope: { peer: 'cs1' } });
    const client = spec('c', 'client', 'Client1');
    const { links } = graphOf(stateOf([...microCdn(1), client], { faults: [fault] }));
    expect(links).toContainEqual({
      id: pairKey('c', 'cs1'),
      source: 'c',
      target: 'cs1',
      roles: ['transfer'],
      transient: true,
    });
  });

  it('draws addresses outside, from settings and from traffic, once', () => {
    const client = spec('c', 'client', 'Client1', { index: { host: '127.0.0.1', port: 5999 } });
    const state = withFlow(stateOf([client]), flow({ from: 'c', to: '127.0.0.1:5999', role: 'lookup' }));
    const { outside, links } = graphOf(state);
    expect(outside).toMatchObject([{ id: outsideId('127.0.0.1:5999'), near: 'c' }]);
    expect(links).toHaveLength(1);
  });

  it('draws a foreign server that registered at our index, and none of ours', () => {
    const server = (serverId: string, tcpPort: number) => ({ serverId, tcpPort, host: '127.0.0.1' });
    const servers = [server('CS1', 7001), server('THEIRS', 9001)];
    const state = stateOf(microCdn(1), { nodes: [view('index', { snapshot: { servers } })] });
    expect(graphOf(state).outside).toEqual([
      { id: outsideId('127.0.0.1:9001'), address: '127.0.0.1:9001', label: 'THEIRS', near: 'index' },
    ]);
  });

  it('draws a foreign server on another machine that has the port of one of ours', () => {
    const servers = [{ serverId: 'THEIRS', tcpPort: 7001, host: '192.168.1.9' }];
    const state = stateOf(microCdn(1), { nodes: [view('index', { snapshot: { servers } })] });
    expect(graphOf(state).outside.map(({ address }) => address)).toEqual(['192.168.1.9:7001']);
  });

  it('draws the way over a relay, and the straight one until the relay is used', () => {
    const relay = spec('r', 'relay', 'Relay1', {
      tcpTarget: { node: 'index' },
      udpTarget: null,
      client: '127.0.0.1:9001',
    });
    const servers = [{ serverId: 'THEIRS', tcpPort: 9001, host: '127.0.0.1' }];
    const theirs = outsideId('127.0.0.1:9001');
    const links = (connections: number): string[] => {
      const nodes = [view('index', { snapshot: { servers } }), view('r', { counters: { connections } })];
      const { links: drawn } = graphOf(stateOf([...microCdn(1), relay], { nodes }));
      return drawn.map(({ id }) => id).filter((id) => id.includes(theirs));
    };
    expect(links(0).sort()).toEqual([pairKey(theirs, 'index'), pairKey(theirs, 'r')].sort());
    expect(links(1)).toEqual([pairKey(theirs, 'r')]);
  });

  it('puts a link into words, from its source to its target', () => {
    const client = spec('c', 'client', 'Client1', { index: { host: '127.0.0.1', port: 5999 } });
    const state = stateOf([...microCdn(1), client]);
    const graph = graphOf(state);
    const titles = graph.links.map((link) => linkTitle(link, graph, state.specs));
    expect(titles).toContain('registration, CS1 to Index1');
    expect(titles).toContain('lookup, Client1 to Outside 127.0.0.1:5999');
  });

  it('leaves out links to nodes that are gone', () => {
    const lonely = spec('cs1', 'content-server', 'CS1', { index: { node: 'gone' } });
    expect(graphOf(stateOf([lonely])).links).toEqual([]);
    expect(linksOf([lonely])).toHaveLength(1);
  });
});

describe('dropRefusal', () => {
  it('takes files where the kind serves a folder, and says why not elsewhere', () => {
    expect(dropRefusal(spec('a', 'content-server', 'CS1'))).toBeNull();
    expect(dropRefusal(spec('a', 'monitor', 'Monitor1'))).toContain('hold no files');
    expect(dropRefusal(spec('a', 'from-the-future', 'X'))).toContain('not known');
  });
});
