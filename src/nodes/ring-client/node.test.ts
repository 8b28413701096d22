import { expect, it } from 'vitest';
import { configSchema } from '../../contract/schema';
import { RingWorld } from '../ring-server/testing/ring-world';
import { manifest, type RingClientConfig } from './manifest';
import { createNode } from './node';

interface Client {
  get(name: string): Promise<{ path: string; size: number; sha256: string }>;
  put(name: string, item?: string): Promise<{ status: string }>;
  cancel(): void;
  stop(): Promise<void>;
}

function client(
  world: RingWorld,
  config: Partial<RingClientConfig> = {},
  context = world.simulation.context('client'),
): Client {
  const defaults = configSchema(manifest.fields).parse({}) as RingClientConfig;
  const member = { host: '127.0.0.1', port: 4043 };
  const node = createNode({ ...defaults, member, out: '/mine', ...config } as never, context);
  const operations = node.operations as unknown as {
    get(input: unknown): Promise<{ path: string; size: number; sha256: string }>;
    put(input: unknown): Promise<{ status: string }>;
    cancel(): void;
  };
  return {
    get: (name) => during(world, operations.get({ name })),
    put: (name, item) => during(world, operations.put({ name, item })),
    cancel: operations.cancel,
    stop: () => node.stop(),
  };
}

async function during<Value>(world: RingWorld, promise: Promise<Value>): Promise<Value> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  await world.until(() => settled);
  return promise;
}

const mine = (world: RingWorld) => world.simulation.files.at('/mine');

it('puts files of any bytes and size, and gets them back', async () => {
  const world = new RingWorld();
  await world.ring(3);
  const { put, get } = client(world);
  const content = Buffer.alloc(2_500_000, Uint8Array.of(0, 255, 10, 13, 200));
  mine(world).put('big.bin', content);
  expect(await put('big.bin')).toMatchObject({ item: 'big.bin', size: 2_500_000, status: '200 OK' });
  const got = await get('big.bin');
  expect(got).toMatchObject({ path: '/mine/big (2).bin', size: 2_500_000 });
  expect(Buffer.from(mine(world).bytesOf('big (2).bin') ?? []).equals(content)).toBe(true);
  expect(Buffer.from(world.simulation.files.at('/ring/4045').bytesOf('big.bin') ?? []).equals(content)).toBe(
    true,
  );
});

it('speaks the seed alone to a member that is strict, and when it is strict itself', async () => {
  for (const strict of ['member', 'client']) {
    const world = new RingWorld();
    await world.ring(1, { strict: strict === 'member' });
    const { put, get } = client(world, { strict: strict === 'client' });
    mine(world).put('a.txt', 'häl"lo');
    expect(await put('a.txt', 'b')).toMatchObject({ status: '200 OK' });
    expect(await get('b')).toMatchObject({ size: 7 });
    expect(Buffer.from(mine(world).bytesOf('b') ?? []).toString()).toBe('häl"lo');
    mine(world).put('long', 'x'.repeat(1100));
    if (strict === 'member') await expect(put('long')).rejects.toMatchObject({ code: 'TOO_LONG' });
    mine(world).put('binary', Uint8Array.of(255, 254));
    await expect(put('binary')).rejects.toMatchObject({ code: 'NOT_TEXT' });
  }
});

it('says what is wrong', async () => {
  const world = new RingWorld();
  const { get } = client(world);
  await expect(get('a')).rejects.toMatchObject({ code: 'MEMBER_UNREACHABLE' });
  await world.start(4043);
  await expect(get('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(mine(world).names).toEqual([]);
});

async function mute(world: RingWorld): Promise<void> {
  await world.simulation.network
    .host('mute', world.simulation.clock)
    .listen({ host: '127.0.0.1', port: 4043 }, (connection) => connection.handle({ data: () => {} }));
}

it('can be cancelled while it waits, and leaves nothing behind', async () => {
  const world = new RingWorld();
  await mute(world);
  const { get, cancel } = client(world);
  const outcome = get('a');
  await world.simulation.advance(5000);
  cancel();
  await expect(outcome).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(mine(world).names).toEqual([]);
});

it('ends what is under way when it is stopped, and has cleared up by then', async () => {
  const world = new RingWorld();
  await mute(world);
  const { get, stop } = client(world);
  const outcome = get('a');
  outcome.catch(() => {});
  await world.simulation.advance(5000);
  await stop();
  expect(mine(world).names).toEqual([]);
  await expect(outcome).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('does not wait for a member that cannot be reached when it is stopped', async () => {
  const world = new RingWorld();
  const context = world.simulation.context('client');
  const lost = { ...context, net: { ...context.net, connect: () => new Promise<never>(() => {}) } };
  const { get, stop } = client(world, {}, lost);
  const outcome = get('a');
  outcome.catch(() => {});
  await world.simulation.settle();
  await stop();
  await expect(outcome).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('gets a file that is damaged at its member whole all the same', async () => {
  const world = new RingWorld();
  await world.ring(2);
  const { put, get } = client(world);
  mine(world).put('a', 'right');
  await put('a');
  world.simulation.files.at('/ring/4043').bytesOf('a')?.fill(0);
  expect(await get('a')).toMatchObject({ path: '/mine/a (2)' });
  expect(Buffer.from(mine(world).bytesOf('a (2)') ?? []).toString()).toBe('right');
});

it('keeps both of two files that arrive at the same time and have one name', async () => {
  const world = new RingWorld();
  await world.ring(1);
  const { put, get } = client(world);
  mine(world).put('a.tar.gz', 'one');
  await put('a.tar.gz');
  const got = await Promise.all([get('a.tar.gz'), get('a.tar.gz')]);
  expect(got.map(({ path }) => path).sort()).toEqual(['/mine/a (2).tar.gz', '/mine/a (3).tar.gz']);
  expect(mine(world).names.sort()).toEqual(['a (2).tar.gz', 'a (3).tar.gz', 'a.tar.gz']);
});
