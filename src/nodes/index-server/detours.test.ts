import { afterEach, beforeEach, expect, it } from 'vitest';
import { INDEX, World } from '../shared/testing/micro-cdn-world';
import { RawPeer } from '../shared/testing/raw-peer';
import { Detours } from './detours';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

async function said(text: string): Promise<void> {
  const peer = await RawPeer.connect(world.sim.network.host('peer'), INDEX);
  peer.send(text);
  await world.sim.settle();
}

it('are told at the first, the tenth and the hundredth, and counted anew after the server is back', () => {
  const detours = new Detours();
  const told = Array.from({ length: 120 }, () => detours.count('CS1')).filter((count) => count !== undefined);
  expect(told).toEqual([1, 10, 100]);
  expect(detours.end('CS1')).toBe(120);
  expect(detours.end('CS1')).toBe(0);
});

it('are what happens to lookups of a dead server, which the journal says under its name', async () => {
  await world.index({ monitor: null });
  for (const [id, port] of [
    ['CS1', 7001],
    ['CS2', 7101],
  ])
    await said(`REGISTER ${id} ${port} 0\nADD_FILE ${id} hello.txt 14\nDONE_FILES\n`);
  await said('SERVER_DOWN CS1 1\n');
  for (let lookup = 0; lookup < 3; lookup++) await said('GET hello.txt\n');
  const events = world.sim.recorded('index').events.filter(({ type }) => type === 'lookups-rerouted');
  expect(events).toMatchObject([
    { subject: 'CS1', level: 'warning', text: 'A lookup of hello.txt went to CS2, since CS1 is dead.' },
  ]);
});
