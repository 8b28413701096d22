import { describe, expect, it } from 'vitest';
import { faultSpecSchema } from '../contract/fault';
import { configSchema } from '../contract/schema';
import { badgeOf, faultTable, narrowingOf, paramsOf, titleOf } from './describe';
import { commonNames, parseFaults } from './parse';
import { faults } from './registry';

describe.each(faults.map((fault) => [fault.kind, fault] as const))('the fault %s', (kind, fault) => {
  it('is described in full', () => {
    expect(kind).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(fault.observe).toMatch(/^[A-Z].*\.$/);
    expect(fault.targets.length).toBeGreaterThan(0);
    const params = paramsOf(fault, {});
    expect(configSchema(fault.fields).parse({})).toEqual(params);
    const badge = badgeOf({ kind, params: {} });
    expect(badge.length).toBeGreaterThan(0);
    expect(badge.length).toBeLessThan(30);
  });

  it('does what its targets promise', () => {
    const machine = { now: () => 0, every: never, crash: never, stall: never, burn: never, allocate: never };
    const settings = { params: paramsOf(fault, {}) as never, random: () => 0 };
    const behaviour = fault.create(settings, machine);
    const link = { direction: 'in', role: 'accepted', openedAt: 0, random: () => 0 } as const;
    if (fault.targets.includes('udp')) expect(behaviour.datagrams?.(link)).toBeDefined();
    if (fault.targets.includes('tcp')) {
      expect(behaviour.stream?.(link) ?? behaviour.connecting).toBeDefined();
    }
    if (fault.byCore) expect(behaviour).toEqual({});
    else expect(Object.keys(behaviour).length).toBeGreaterThan(0);
  });

  it('ramps numbers that it has', () => {
    for (const name of fault.ramps ?? []) expect(fault.fields[name]?.control).toBe('number');
  });

  it('has no setting that means something else on the command line', () => {
    expect(Object.keys(fault.fields).filter((name) => commonNames.includes(name))).toEqual([]);
  });

  it('stands in the table', () => {
    expect(faultTable(faults)).toContain(`| \`${kind}\` | ${fault.label} |`);
  });
});

const never = (): never => {
  throw new Error('A fault touches the machine only while it acts.');
};

it('no two faults share a kind or a label', () => {
  expect(new Set(faults.map(({ kind }) => kind)).size).toBe(faults.length);
  expect(new Set(faults.map(({ label }) => label)).size).toBe(faults.length);
});

describe('faults in words', () => {
  it('say what is set and what they are narrowed to', () => {
    const [fault] = parseFaults([
      'latency:delay=200,jitter=20,direction=out,transport=udp,messages=HEARTBEAT,each=3,begin=10s',
    ]);
    if (!fault) throw new Error('One fault was written.');
    expect(titleOf(fault)).toBe('Latency (200 ms ±20)');
    expect(narrowingOf(fault)).toBe('UDP, sent, only HEARTBEAT, every 3rd, after 10 s');
    expect(titleOf({ kind: 'hang', params: {} })).toBe('Hang');
    expect(titleOf({ kind: 'from-the-future', params: {} })).toBe('from-the-future');
  });
});

describe('--fault', () => {
  it('takes settings, scope, picks and schedules', () => {
    const parsed = parseFaults([
      'latency:delay=200,jitter=20,distribution=normal,to=127.0.0.1:5050+[::1]:5051',
      'hang',
      'loss:percent=20,messages=HEARTBEAT+SERVER_DOWN,first=3,chance=0.5,seed=7,begin=1.5s,for=2m,ramp=250,on=2s,off=1s',
    ]);
    expect(parsed.map((fault) => faultSpecSchema.parse(fault))).toEqual(parsed);
    expect(parsed).toEqual([
      {
        id: 'latency-1',
        kind: 'latency',
        node: 'foreground',
        scope: {
          endpoints: [
            { host: '127.0.0.1', port: 5050 },
            { host: '::1', port: 5051 },
          ],
        },
        params: { delay: 200, jitter: 20, distribution: 'normal' },
        enabled: true,
      },
      { id: 'hang-2', kind: 'hang', node: 'foreground', scope: {}, params: {}, enabled: true },
      {
        id: 'loss-3',
        kind: 'loss',
        node: 'foreground',
        scope: { messages: ['HEARTBEAT', 'SERVER_DOWN'] },
        pick: { first: 3, probability: 0.5 },
        seed: 7,
        schedule: { afterMs: 1500, forMs: 120_000, rampMs: 250, onMs: 2000, offMs: 1000 },
        params: { percent: 20 },
        enabled: true,
      },
    ]);
  });

  it.each([
    ['latncy:delay=1', 'There is no fault "latncy".'],
    ['latency:dely=1', '"dely=1" is no setting of latency.'],
    ['latency:delay', '"delay" is no setting of latency.'],
    ['latency:delay=-1', 'delay=-1 is not possible.'],
    ['latency:delay=', 'delay= is not possible.'],
    ['latency:distribution=odd', 'distribution=odd is not possible.'],
    ['latency:to=nowhere', '"nowhere" is not an address.'],
    ['latency:begin=soon', 'begin=soon is not a time.'],
    ['latency:begin=36000m', 'begin=36000m is too long.'],
    ['freeze', 'Freeze is done from outside a node.'],
    ['latency:__proto__=1', '"__proto__=1" is no setting of latency.'],
  ])('%s: %s', (text, message) => {
    expect(() => parseFaults([text])).toThrow(message);
  });
});
