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

async function register(id: string, port: number): Promise<void> {
  await said(`REGISTER ${id} ${port} 0\nADD_FILE ${id} hello.txt 14\nDONE_FILES\n`);
}

/** CS1 is dead, and three clients that ask for its file are sent to CS2. */
async function loseThreeLookups(): Promise<void> {
  await world.index({ monitor: null });
  await register('CS1', 7001);
  await register('CS2', 7101);
  await said('SERVER_DOWN CS1 1\n');
  for (let lookup = 0; lookup < 3; lookup++) await said('GET hello.txt\n');
}

it('are what happens to lookups of a dead server, which the journal says under its name', async () => {
  await loseThreeLookups();
  const events = world.sim.recorded('index').events.filter(({ type }) => type === 'lookups-rerouted');
  expect(events).toMatchObject([
    { subject: 'CS1', level: 'warning', text: 'A lookup of hello.txt went to CS2, since CS1 is dead.' },
  ]);
});

it.each([
  ['SERVER_UP', 'server-up', () => said('SERVER_UP CS1 1\n')],
  ['a new registration', 'registered', () => register('CS1', 7001)],
])('are summed up when %s ends them', async (_, type, end) => {
  await loseThreeLookups();
  await end();
  const [last] = world.sim.recorded('index').events.slice(-1);
  expect(last).toMatchObject({ type, subject: 'CS1' });
  expect(last?.text).toMatch(/; 3 lookups had gone elsewhere\.$/);
});
