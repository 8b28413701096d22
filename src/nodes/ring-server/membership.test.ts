import { expect, it } from 'vitest';
import { RingWorld } from './testing/ring-world';

it('joins at any member and keeps one list', async () => {
  const world = new RingWorld();
  await world.start(4043);
  await world.start(4044, 4043);
  await world.until(() => world.converged);
  await world.start(4045, 4043);
  await world.start(4046, 4044);
  await world.until(() => world.converged);
  expect(world.lists).toEqual(['127.0.0.1:4043 127.0.0.1:4045 127.0.0.1:4044 127.0.0.1:4046']);
  expect(world.snapshot(4046)).toMatchObject({ state: 'member', next: '127.0.0.1:4043' });
});

it('is alone, and says so, until its predecessor is there', async () => {
  const world = new RingWorld();
  await world.start(4044, 4043);
  await world.simulation.advance(3000);
  expect(world.snapshot(4044)).toMatchObject({ state: 'joining', list: ['127.0.0.1:4044'] });
  expect(world.snapshot(4044).detail).toContain('127.0.0.1:4043 cannot be reached');
  await world.start(4043);
  await world.until(() => world.converged);
});

it('removes a killed member without time passing', async () => {
  const world = new RingWorld();
  await world.ring(5);
  world.kill(4045);
  await world.simulation.settle();
  expect(world.converged).toBe(true);
});

it('heals when two neighbours die at once, and when all but one do', async () => {
  const world = new RingWorld();
  await world.ring(6);
  world.kill(4044);
  world.kill(4045);
  expect(await world.until(() => world.converged)).toBeLessThanOrEqual(1000);
  for (const port of [4043, 4046, 4047]) world.kill(port);
  expect(await world.until(() => world.converged)).toBeLessThanOrEqual(2000);
  expect(world.lists).toEqual(['127.0.0.1:4048']);
});

it('takes back a member that restarts at the same port, in its old place', async () => {
  const world = new RingWorld();
  await world.ring(4);
  const before = world.lists;
  world.kill(4044);
  await world.until(() => world.converged);
  await world.start(4044);
  await world.until(() => world.converged);
  expect(world.lists).toEqual(before);
});

it('removes a member that hangs, and takes it back when it goes on', async () => {
  const world = new RingWorld();
  await world.ring(4);
  world.weather.freeze(4045);
  const without = (): boolean =>
    world.snapshot(4043).list.length === 3 && world.snapshot(4046).list.length === 3;
  expect(await world.until(without)).toBeLessThanOrEqual(2500);
  await world.simulation.advance(20_000);
  world.weather.thaw(4045);
  await world.until(() => world.converged);
});

it('splits with the network and is one ring again when it heals', async () => {
  const world = new RingWorld();
  await world.ring(6);
  world.weather.partition((port) => port % 2);
  await world.until(() => world.lists.length === 2);
  await world.start(4051, 4043);
  await world.simulation.advance(10_000);
  expect(world.lists).toHaveLength(2);
  world.weather.heal();
  await world.until(() => world.converged);
});

it('takes joins and deaths at the same time', async () => {
  const world = new RingWorld();
  await world.ring(4);
  await Promise.all([world.start(4050, 4043), world.start(4051, 4044), world.start(4052, 4043)]);
  world.kill(4045);
  world.kill(4046);
  expect(await world.until(() => world.converged)).toBeLessThanOrEqual(3000);
});

it('tells the others when it leaves, so that nobody waits', async () => {
  const world = new RingWorld();
  await world.ring(4);
  await world.members.get(4044)?.node.drain();
  await world.members.get(4044)?.node.stop();
  world.members.delete(4044);
  await world.simulation.settle();
  expect(world.converged).toBe(true);
  expect(world.snapshot(4043).members.find(({ address }) => address === '127.0.0.1:4044')?.state).toBe(
    'left',
  );
});

it('does not take another ring for its dead member', async () => {
  const world = new RingWorld();
  await world.ring(3);
  world.kill(4045);
  await world.until(() => world.converged);
  await world.start(4045, undefined, { files: '/another-ring' });
  await world.simulation.advance(20_000);
  expect(world.snapshot(4043).list).toHaveLength(2);
  expect(world.snapshot(4045).list).toEqual(['127.0.0.1:4045']);
});

it('takes the next free port when told to', async () => {
  const world = new RingWorld();
  await world.start(4043);
  const context = world.simulation.context('other');
  const { createNode } = await import('./node');
  const config = {
    host: '127.0.0.1',
    port: 4043,
    nextFreePort: true,
    prev: null,
    files: '/other',
    checkMs: 500,
  };
  const node = createNode({ ...config, silentMs: 1000, retryDeadMs: 1000, quorum: 0 } as never, context);
  expect(await node.start()).toEqual({ tcp: 4044 });
});
