import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { FaultSpec } from '../../../contract/fault';
import type { FaultLook } from '../../../faults/fault';
import { faultOf } from '../../../faults/registry';
import { reduce, type StudioState } from '../../studio-store';
import { microCdn, snapshotOf } from '../../testing/network';
import { linkLooks } from './link-looks';
import { topologySvg } from './topology-svg';

vi.mock('../../token-colours', () => ({ tokenColour: (token: string) => token }));
// A system without fonts: widths are guessed.
beforeEach(() => vi.stubGlobal('document', { createElement: () => ({ getContext: () => null }) }));
afterEach(() => vi.unstubAllGlobals());

const kinds: Record<FaultLook, string> = {
  slow: 'latency',
  lossy: 'loss',
  altered: 'corrupt',
  cut: 'partition',
  'dead-end': 'black-hole',
};

function pictureOf(kind: string): string {
  const fault: FaultSpec = {
    id: 'f1',
    kind,
    node: 'cs1',
    params: {},
    scope: { peers: ['monitor'] },
    enabled: true,
  };
  const snapshot = snapshotOf(microCdn(1), { faults: [fault] });
  const state = reduce(null, { type: 'snapshot', snapshot, now: 0 }) as StudioState;
  const at = { index: { x: 0, y: 0 }, monitor: { x: 800, y: 0 }, cs1: { x: 400, y: 400 } };
  return topologySvg(state, new Map(Object.entries(at)));
}

it.each(Object.entries(kinds))('a link that is %s is drawn as the canvas draws it', (name, kind) => {
  const look = linkLooks[name as FaultLook];
  expect(faultOf(kind)?.look).toBe(name);
  const picture = pictureOf(kind);
  const paths = [...picture.matchAll(/<path [^>]*>/g)].map(([path]) => path);
  const [broken, sign] = paths.filter((path) => path.includes(`stroke="${look.tone}"`));
  expect(broken).toContain(`stroke-width="${look.width}"`);
  expect(/stroke-dasharray="([^"]*)"/.exec(broken ?? '')?.[1]).toBe(look.dash);
  expect(/stroke-opacity="([^"]*)"/.exec(broken ?? '')?.[1]).toBe(look.opacity?.toString());
  expect(sign).toContain(`d="${look.sign}"`);
});

it('a sound link is as strong as on the canvas', () => {
  expect(pictureOf('latency')).toContain('stroke="link" stroke-width="1.25"');
});
