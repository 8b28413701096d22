import { describe, expect, it } from 'vitest';
import { faultSpecSchema } from '../contract/fault';
import { configSchema } from '../contract/schema';
import { partitionBetween, presets } from './presets';
import { faultOf } from './registry';

const chosen = [{ id: 'cs1', kind: 'content-server' }];
const others = [
  { id: 'cs2', kind: 'content-server' },
  { id: 'monitor', kind: 'monitor' },
];

describe.each(presets.map((preset) => [preset.label, preset] as const))('the preset %s', (_label, preset) => {
  it('consists of faults that exist, with settings that are allowed', () => {
    expect(preset.observe).toMatch(/^[A-Z].*\.$/);
    const drafts = preset.faults(chosen, others);
    expect(drafts.length).toBeGreaterThan(0);
    for (const draft of drafts) {
      faultSpecSchema.parse({ ...draft, id: 'x' });
      const definition = faultOf(draft.kind);
      expect(definition).toBeDefined();
      configSchema(definition?.fields ?? {}).parse(draft.params);
    }
  });
});

it('a partition is set at both sides, once for each node', () => {
  const drafts = partitionBetween(chosen, others);
  expect(drafts.map(({ node, scope }) => [node, scope.peers])).toEqual([
    ['cs1', ['cs2', 'monitor']],
    ['cs2', ['cs1']],
    ['monitor', ['cs1']],
  ]);
  expect(partitionBetween(chosen, [])).toEqual([]);
});
