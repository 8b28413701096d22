import { afterEach, describe, expect, it } from 'vitest';
import { World } from './testing/micro-cdn-world';

let world = new World();
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
  world = new World();
});

describe('the seed’s test scenario', () => {
  it('downloads, loses a server, downloads from the other, and routes to the first again when it is back', async () => {
    await world.sample();
    const first = world.download('hello.txt');
    await world.sim.advance(100);
    expect(first.error).toBeUndefined();
    expect(first.outcome).toMatchObject({
      size: 14,
      verified: 'size and hash',
      path: '/downloads/hello.txt',
    });
    expect(Buffer.from(world.sim.files.at('/downloads').bytesOf('hello.txt') ?? '').toString()).toBe(
      'Hello, world!\n',
    );

    world.crash('CS1');
    await world.sim.advance(5000);
    expect(world.statusOf('CS1')).toBe('alive');
    await world.sim.advance(4100);
    expect(world.statusOf('CS1')).toBe('dead');
    expect(world.events('index', 'server-down')).toHaveLength(1);

    const second = world.download('hello.txt');
    await world.sim.advance(100);
    expect(second.outcome?.source?.serverId).toBe('CS2');
    expect(second.outcome?.path).toBe('/downloads/hello (2).txt');

    await world.content(1);
    await world.sim.advance(1000);
    expect(world.statusOf('CS1')).toBe('alive');
    world.crash('CS2');
    const third = world.download('hello.txt');
    await world.sim.advance(1000);
    expect(third.outcome?.source?.serverId).toBe('CS1');
  });
});
