import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../contract/fault';
import type { NodeSpec } from '../contract/workspace';
import {
  breakableLink,
  faultsAt,
  linkMarks,
  newFaults,
  nodeBadge,
  openersOf,
  relayOn,
  relayPlace,
} from './fault-links';
import { pairKey } from './graph';
import type { Flow } from './studio-store';

const node = (id: string, kind: string, config: Record<string, unknown> = {}): [string, NodeSpec] => [
  id,
  { id, kind, name: id, position: { x: 0, y: 0 }, config },
];
const state = {
  specs: new Map([
    node('cs1', 'content-server', { monitor: { node: 'monitor' }, index: { host: '10.0.0.9', port: 5050 } }),
    node('monitor', 'monitor', { index: { node: 'index' } }),
    node('index', 'index-server', { monitor: { node: 'monitor' } }),
    node('client', 'client'),
  ]),
  flows: new Map<string, Flow>(),
};
const fault = (change: Partial<FaultSpec>): FaultSpec => ({
  id: Math.random().toString(36),
  kind: 'latency',
  node: 'cs1',
  scope: {},
  params: {},
  enabled: true,
  ...change,
});

describe('who opens a link', () => {
  it('is said by the configuration, by both ends where both do', () => {
    expect(openersOf(pairKey('cs1', 'monitor'), state)).toEqual([{ from: 'cs1', to: 'monitor' }]);
    expect(openersOf(pairKey('index', 'monitor'), state)).toHaveLength(2);
  });

  it('is said by what the kinds could open, when nothing else does', () => {
    expect(openersOf(pairKey('cs1', 'client'), state)).toEqual([{ from: 'client', to: 'cs1' }]);
    expect(openersOf('client outside:10.0.0.1:99', state)).toEqual([]);
  });
});

describe('a link with a program outside', () => {
  const theirs = 'index outside:10.0.0.1:99';
  const withRelay = {
    ...state,
    specs: new Map([
      ...state.specs,
      node('relay', 'relay', { tcpTarget: { node: 'index' }, client: '10.0.0.1:99' }),
    ]),
  };

  it('is broken where our node opens it, and a relay can be put on it all the same', () => {
    const link = 'cs1 outside:10.0.0.9:5050';
    expect(breakableLink(link, state)).toBe(link);
    expect(relayPlace(link, state)).toEqual({ node: 'cs1', outside: { host: '10.0.0.9', port: 5050 } });
  });

  it('needs a relay where the program opens it', () => {
    expect(breakableLink(theirs, state)).toBeUndefined();
    expect(relayPlace(theirs, state)).toEqual({ node: 'index', outside: { host: '10.0.0.1', port: 99 } });
  });

  it('is broken behind its relay', () => {
    const link = pairKey('relay', 'outside:10.0.0.1:99');
    expect(relayOn(link, withRelay.specs)?.id).toBe('relay');
    expect(breakableLink(link, withRelay)).toBe(pairKey('relay', 'index'));
    expect(relayPlace(link, withRelay)).toBeUndefined();
  });

  it('needs none where our node opens it to an address that it learned', () => {
    const flow = { from: 'client', to: '10.0.0.1:99', key: 'x' } as Flow;
    const link = 'client outside:10.0.0.1:99';
    expect(relayPlace(link, { ...state, flows: new Map([['x', flow]]) })).toBeUndefined();
  });

  it('is none between nodes of ours', () => {
    expect(relayPlace(pairKey('cs1', 'monitor'), state)).toBeUndefined();
  });
});

describe('a new fault', () => {
  it('acts in the process that opens the link, narrowed to the other end', () => {
    const made = newFaults('loss', { link: pairKey('cs1', 'monitor') }, state, () => 'x');
    expect(made).toMatchObject([{ node: 'cs1', scope: { peer: 'monitor', transport: 'udp' } }]);
  });

  it('can concern an outside program, by its address', () => {
    const made = newFaults('latency', { link: 'cs1 outside:10.0.0.9:5050' }, state, () => 'x');
    expect(made).toMatchObject([{ node: 'cs1', scope: { endpoints: [{ host: '10.0.0.9', port: 5050 }] } }]);
    expect(linkMarks(made).get('cs1 outside:10.0.0.9:5050')?.text).toBe('200 ms');
  });

  it('is set on each of the nodes', () => {
    expect(newFaults('hang', { nodes: ['cs1', 'index'] }, state, () => 'x').map((one) => one.node)).toEqual([
      'cs1',
      'index',
    ]);
  });
});

describe('what is drawn broken', () => {
  it('is the link, by its worst fault, with a figure', () => {
    const marks = linkMarks([
      fault({ scope: { peer: 'monitor' } }),
      fault({ kind: 'loss', scope: { peer: 'monitor' } }),
      fault({ kind: 'partition', scope: { peers: ['client', 'index'] }, enabled: false }),
    ]);
    expect([...marks.keys()]).toEqual([pairKey('cs1', 'monitor')]);
    expect(marks.get(pairKey('cs1', 'monitor'))).toEqual({
      look: 'lossy',
      text: '20 % loss +1',
      title: 'Latency (200 ms); Loss (20 % loss)',
    });
  });

  it('is the node, when all its traffic or the node itself is concerned', () => {
    const faults = [fault({ scope: { peer: 'monitor' } }), fault({ kind: 'hang' })];
    expect(nodeBadge('cs1', faults)).toBe('hung');
    expect(nodeBadge('cs1', [...faults, fault({})])).toBe('2 faults');
    expect(nodeBadge('index', faults)).toBe('');
    expect(faultsAt({ nodes: ['cs1'] }, faults)).toHaveLength(2);
    expect(faultsAt({ link: pairKey('cs1', 'monitor') }, faults)).toHaveLength(1);
  });
});
