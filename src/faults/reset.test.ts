import { describe, expect, it } from 'vitest';
import { connected, hear, memoryWorld, worlds } from './testing/worlds';

describe.each(worlds)('reset, %s', (_name, make) => {
  it('tears down an open connection at both ends', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'reset' });
    await world.until(() => atNode.closed && atNeighbour.closed);
    expect(atNode.error?.code).toBe('ECONNRESET');
    expect(atNeighbour.error?.code).toBe('ECONNRESET');
    await close();
  });

  it('strikes only the connections that are picked', async () => {
    const world = make();
    world.setFaults({ kind: 'reset', pick: { every: 2 } });
    const first = await connected(world, 'node');
    const atFirst = hear(first.near);
    hear(first.far);
    const second = await connected(world, 'node');
    const atSecond = hear(second.near);
    hear(second.far);
    await world.until(() => atSecond.closed);
    first.far.write('alive');
    await world.until(() => atFirst.text === 'alive');
    await first.close();
    await second.close();
  });
});

it('strikes only when a message comes that it is narrowed to', async () => {
  const world = memoryWorld();
  const { near, far } = await connected(world, 'node');
  const atNode = hear(near);
  const atNeighbour = hear(far);
  world.setFaults({ kind: 'reset', scope: { messages: ['GET'] } });
  near.write('LIST\n');
  await world.pass(100);
  expect(atNode.closed).toBe(false);
  near.write('GET a\n');
  await world.pass(100);
  expect(atNode.error?.code).toBe('ECONNRESET');
  expect(atNeighbour.text).toBe('LIST\n');
});

it('resets at the age that is set, and follows the slider', async () => {
  const world = memoryWorld();
  const { near, far } = await connected(world, 'node');
  const heard = hear(near);
  hear(far);
  const openedAt = world.node.clock.now();
  world.setFaults({ kind: 'reset', params: { after: 10_000 } });
  await world.pass(3000);
  expect(heard.closed).toBe(false);
  world.setFaults({ kind: 'reset', params: { after: 5000 } });
  await world.until(() => heard.closed);
  expect(world.node.clock.now() - openedAt).toBeGreaterThanOrEqual(4990);
  expect(world.node.clock.now() - openedAt).toBeLessThan(5100);
});
