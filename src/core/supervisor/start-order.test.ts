import { expect, it } from 'vitest';
import type { NodeSpec } from '../../contract/workspace';
import { startOrder } from './start-order';

const node = (id: string, kind: string, links: Record<string, string> = {}): NodeSpec => ({
  id,
  kind,
  name: id,
  position: { x: 0, y: 0 },
  config: Object.fromEntries(Object.entries(links).map(([key, target]) => [key, { node: target }])),
});

it('begins with those that others link to, and waits for them', () => {
  const steps = startOrder([
    node('client', 'client', { index: 'index' }),
    node('cs', 'content-server', { index: 'index', monitor: 'monitor' }),
    node('index', 'index-server'),
    node('monitor', 'monitor'),
  ]);
  const order = steps.map((step) => step.node.id);
  for (const step of steps)
    for (const target of step.after) expect(order.indexOf(target)).toBeLessThan(order.indexOf(step.node.id));
  expect(steps.find((step) => step.node.id === 'cs')?.after.sort()).toEqual(['index', 'monitor']);
});

it('does not wait in a circle', () => {
  const steps = startOrder([
    node('index', 'index-server', { monitor: 'monitor' }),
    node('monitor', 'monitor', { index: 'index' }),
  ]);
  expect(steps.map((step) => [step.node.id, step.after])).toEqual([
    ['monitor', []],
    ['index', ['monitor']],
  ]);
});

it('takes a link to itself, or to a node that is not started, for none', () => {
  expect(startOrder([node('index', 'index-server', { monitor: 'elsewhere' })])).toMatchObject([
    { after: [] },
  ]);
});
