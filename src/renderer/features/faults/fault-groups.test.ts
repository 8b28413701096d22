import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../contract/fault';
import { alignedWith, groupFaults } from './fault-groups';

const fault = (id: string, node: string, change: Partial<FaultSpec> = {}): FaultSpec => ({
  id,
  kind: 'latency',
  node,
  scope: {},
  params: {},
  enabled: true,
  ...change,
});
const ids = (groups: readonly (readonly FaultSpec[])[]) => groups.map((group) => group.map(({ id }) => id));
const nodes = { nodes: ['cs1', 'cs2'] };
const link = { link: 'index monitor' };

describe('faults of several nodes', () => {
  it('are one where nothing but the node differs, defaults included', () => {
    const set = [
      fault('a', 'cs1', { since: 1, params: { delay: 200 } }),
      fault('b', 'cs2', { since: 2 }),
      fault('c', 'cs2', { params: { delay: 100 } }),
    ];
    expect(ids(groupFaults(set, nodes))).toEqual([['a', 'b'], ['c']]);
  });

  it('are two where one node has two of the same', () => {
    expect(ids(groupFaults([fault('a', 'cs1'), fault('b', 'cs1'), fault('c', 'cs2')], nodes))).toEqual([
      ['a', 'c'],
      ['b'],
    ]);
  });

  it('are two where they concern other peers', () => {
    const set = [fault('a', 'cs1', { scope: { peer: 'index' } }), fault('b', 'cs2')];
    expect(groupFaults(set, nodes)).toHaveLength(2);
  });

  it('take over what is set on the first, and keep their own peer', () => {
    const leader = fault('a', 'cs1', {
      scope: { peer: 'monitor', direction: 'out', messages: ['HEARTBEAT'] },
      params: { delay: 5 },
    });
    expect(alignedWith(leader, fault('b', 'cs2', { scope: { peer: 'index' } }), nodes)).toEqual({
      ...leader,
      id: 'b',
      node: 'cs2',
      scope: { peer: 'index', direction: 'out', messages: ['HEARTBEAT'] },
    });
  });
});

describe('faults of a link that both ends open', () => {
  const here = fault('a', 'index', { scope: { peer: 'monitor', direction: 'out' } });
  const there = fault('b', 'monitor', { scope: { peer: 'index', direction: 'in' } });

  it('are one when they act on the same way through it', () => {
    expect(ids(groupFaults([here, there], link))).toEqual([['a', 'b']]);
    const other = { ...there, scope: { ...there.scope, direction: 'out' as const } };
    expect(ids(groupFaults([here, other], link))).toEqual([['a'], ['b']]);
  });

  it('are one when they separate groups, and not one with a fault of the link alone', () => {
    const split = (id: string, node: string, peers: string[]) => fault(id, node, { scope: { peers } });
    const set = [split('a', 'index', ['monitor', 'cs1']), split('b', 'monitor', ['index'])];
    expect(ids(groupFaults(set, link))).toEqual([['a', 'b']]);
    const narrow = fault('c', 'monitor', { scope: { peer: 'index' } });
    expect(ids(groupFaults([set[0] as FaultSpec, narrow], link))).toEqual([['a'], ['c']]);
  });

  it('stay one when the way is changed', () => {
    const turned = { ...here, scope: { peer: 'monitor', direction: 'in' as const } };
    const followed = alignedWith(turned, there, link);
    expect(followed.scope).toEqual({ peer: 'index', direction: 'out' });
    expect(groupFaults([turned, followed], link)).toHaveLength(1);
  });

  it('keep no direction where there is none', () => {
    const both = { ...here, scope: { peer: 'monitor' } };
    expect(alignedWith(both, there, link).scope).toEqual({ peer: 'index' });
  });
});
