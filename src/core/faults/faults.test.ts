import { describe, expect, it } from 'vitest';
import type { NodeView } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import type { NodeSpec } from '../../contract/workspace';
import { faultCounters } from '../../faults/counters';
import { EventHub } from '../events/event-hub';
import { Journal, type JournalInput } from '../journal/journal';
import { Faults } from './faults';

function setUp({ platform = 'linux' } = {}) {
  const hub = new EventHub(() => {});
  const entries: JournalInput[] = [];
  const journal = Object.assign(new Journal(hub), { add: (entry: JournalInput) => void entries.push(entry) });
  const node = (id: string, kind: string, config: Record<string, unknown> = {}): NodeSpec => ({
    id,
    kind,
    name: id.toUpperCase(),
    position: { x: 0, y: 0 },
    config,
  });
  const nodes = [
    node('cs1', 'content-server', { tcpPort: 7001, udpPort: 7002 }),
    node('monitor', 'monitor', { udpPort: 6000, tcpPort: 6001 }),
    node('index', 'index-server', { tcpPort: 5050 }),
  ];
  const ports: Record<string, Record<string, number>> = {};
  let faults: FaultSpec[] = [];
  const find = (id: string): NodeSpec => {
    const found = nodes.find((each) => each.id === id);
    if (!found) throw new Error(`There is no node ${id}.`);
    return found;
  };
  const parts = new Faults({
    hub,
    journal,
    platform,
    node: find,
    nodes: () => nodes,
    view: (id) => ({ ports: ports[id] ?? {}, phase: 'running' }) as NodeView,
    get: () => faults,
    set: (next) => {
      faults = next;
    },
  });
  return { faults: parts, entries, ports, find };
}

const latency = (change: Partial<FaultSpec> = {}): FaultSpec => ({
  id: 'a',
  kind: 'latency',
  node: 'cs1',
  scope: {},
  params: {},
  enabled: true,
  ...change,
});

describe('faults of a workspace', () => {
  it('are set with their defaults and the time, changed in their place, and healed one by one', () => {
    const { faults, entries } = setUp();
    faults.set([latency(), latency({ id: 'b' })]);
    expect(faults.list()[0]).toMatchObject({ params: { delay: 200, jitter: 0 } });
    const since = faults.list()[0]?.since;
    expect(since).toBeGreaterThan(0);
    faults.set([{ ...(faults.list()[0] as FaultSpec), params: { delay: 5 } }]);
    expect(faults.list().map(({ id, params }) => [id, params.delay])).toEqual([
      ['a', 5],
      ['b', 200],
    ]);
    expect(faults.list()[0]?.since).toBe(since);
    faults.order(['b', 'a']);
    expect(faults.list().map(({ id }) => id)).toEqual(['b', 'a']);
    faults.remove(['a']);
    expect(faults.list().map(({ id }) => id)).toEqual(['b']);
    faults.healAll();
    expect(faults.list()).toEqual([]);
    expect(entries.map(({ type }) => type)).toEqual([
      'fault-set',
      'fault-set',
      'fault-healed',
      'fault-healed',
    ]);
    expect(entries[0]?.text).toBe('Latency (200 ms) on CS1 was set.');
  });

  it('begin their time anew with another schedule and when they are switched on, and else go on', () => {
    const { faults } = setUp();
    const longAgo = 1000;
    const set = (change: Partial<FaultSpec>) => {
      faults.set([latency({ since: longAgo, ...change })]);
      return faults.list()[0]?.since;
    };
    expect(set({ schedule: { forMs: 5000 } })).toBe(longAgo);
    expect(set({ schedule: { forMs: 5000 }, params: { delay: 5 } })).toBe(longAgo);
    const begun = set({ schedule: { forMs: 6000 } });
    expect(begun).toBeGreaterThan(longAgo);
    // The panel that has not heard of it yet.
    expect(set({ schedule: { forMs: 6000 }, params: { delay: 6 } })).toBe(begun);
    faults.healAll();
    expect(set({ enabled: false })).toBe(longAgo);
    expect(set({})).toBeGreaterThan(longAgo);
  });

  it('are refused as a whole when one is not right', () => {
    const { faults } = setUp();
    expect(() => faults.set([latency(), latency({ id: 'b', kind: 'nonsense' })])).toThrow(
      'no fault "nonsense"',
    );
    expect(() => faults.set([latency({ params: { delay: -1 } })])).toThrow('Latency, delay');
    expect(() => faults.set([latency({ node: 'gone' })])).toThrow('There is no node gone.');
    expect(faults.list()).toEqual([]);
  });

  it('are refused where the system cannot do them, and can be switched off where they came from elsewhere', () => {
    const { faults } = setUp({ platform: 'win32' });
    const freeze = latency({ kind: 'freeze' });
    expect(() => faults.set([freeze])).toThrow('Freeze cannot be done on this system.');
    expect(faults.list()).toEqual([]);
    faults.set([{ ...freeze, enabled: false }]);
    expect(faults.list()).toHaveLength(1);
  });

  it('follow the addresses of their peers, from the configuration and from what is bound', () => {
    const { faults, ports, find } = setUp();
    faults.set([
      latency({ scope: { peer: 'monitor' } }),
      latency({ id: 'b', scope: { peers: ['index', 'long gone'] } }),
    ]);
    const endpoints = () =>
      faults.of(find('cs1')).map(({ scope }) => scope.endpoints?.map(({ port }) => port));
    expect(endpoints()).toEqual([[6000, 6001], [5050]]);
    ports.index = { tcp: 41_000 };
    expect(endpoints()).toEqual([[6000, 6001], [41_000]]);
    faults.set([latency({ enabled: false })]);
    expect(faults.of(find('cs1'))).toHaveLength(1);
  });

  it('end with the process when they are something of the process', () => {
    const { faults, ports } = setUp();
    ports.cs1 = { tcp: 7001 };
    faults.hang('cs1');
    faults.set([latency(), latency({ id: 'crash', kind: 'crash-on-request' })]);
    faults.nodeEnded('cs1');
    expect(faults.list().map(({ kind }) => kind)).toEqual(['latency']);
  });

  it('tell what they did, and the journal can tie it to both ends of the link', () => {
    const { faults, entries, find } = setUp();
    faults.applyPreset('false-death', ['cs1']);
    const [fault] = faults.list();
    if (!fault) throw new Error('The preset is one fault.');
    expect(fault).toMatchObject({ kind: 'loss', node: 'cs1', scope: { peer: 'monitor', direction: 'out' } });
    const names = faultCounters(fault.id);
    faults.observe(find('cs1'), { [names.met]: 10, [names.lost]: 7 });
    faults.observe(find('cs1'), { [names.met]: 11, [names.lost]: 8 });
    faults.remove([fault.id]);
    expect(entries.map(({ text }) => text)).toEqual([
      'Loss (20 % loss) from CS1 to MONITOR was set.',
      '7 of 10 HEARTBEAT datagrams were lost from CS1 to MONITOR.',
      'Loss (20 % loss) from CS1 to MONITOR was healed: 8 of 11 HEARTBEAT datagrams were lost.',
    ]);
    for (const { subject, aliases } of entries) expect([subject, ...(aliases ?? [])]).toContain('MONITOR');
  });

  it('tell what they did in the next process of their node, too', () => {
    const { faults, entries, find } = setUp();
    faults.applyPreset('false-death', ['cs1']);
    const names = faultCounters(faults.list()[0]?.id ?? '');
    faults.observe(find('cs1'), { [names.met]: 10, [names.lost]: 7 });
    faults.nodeEnded('cs1');
    faults.observe(find('cs1'), { [names.met]: 3, [names.lost]: 2 });
    expect(entries.at(-1)?.text).toBe('2 of 3 HEARTBEAT datagrams were lost from CS1 to MONITOR.');
  });

  it('can be presets, which say when they make no sense', () => {
    const { faults } = setUp();
    expect(() => faults.applyPreset('nonsense', ['cs1'])).toThrow('no preset');
    expect(() => faults.applyPreset('false-death', ['monitor'])).toThrow('cannot be set on MONITOR');
    expect(() => faults.applyPreset('split-brain', ['cs1', 'monitor', 'index'])).toThrow('nothing to act on');
    faults.applyPreset('split-brain', ['cs1']);
    expect(faults.list().map(({ node }) => node)).toEqual(['cs1', 'monitor', 'index']);
  });
});
