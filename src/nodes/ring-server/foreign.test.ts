import { expect, it } from 'vitest';
import { type ForeignManners, ForeignMember } from './testing/foreign-member';
import { RingWorld } from './testing/ring-world';

function foreign(world: RingWorld, port: number, manners?: ForeignManners): ForeignMember {
  const { network, clock } = world.simulation;
  return new ForeignMember(network.host(`foreign${port}`, clock), clock, port, manners);
}

async function ask(
  world: RingWorld,
  port: number,
  message: unknown,
): Promise<{ data: { content?: string; status?: string } }> {
  const connection = await world.simulation.network.host('client').connect({ host: '127.0.0.1', port });
  const pieces: Buffer[] = [];
  connection.handle({ data: (bytes) => void pieces.push(Buffer.from(bytes)) });
  connection.write(JSON.stringify(message));
  await world.until(() => pieces.length > 0);
  await world.simulation.settle();
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}

const put = (item: string, content: string) => ({ type: 'PUT', data: { item, content } });
const get = (item: string) => ({ type: 'GET', data: item });
const address = (port: number): string => `127.0.0.1:${port}`;

it.each<ForeignManners>([{}, { closes: false }, { circularCheck: true }])(
  'lets a foreign member in: %j',
  async (manners) => {
    const world = new RingWorld();
    await world.ring(2);
    const other = foreign(world, 5000, manners);
    await other.start(4043);
    const expected = [address(4043), address(5000), address(4044)];
    await world.until(
      () => other.list.join() === expected.join() && world.lists.join() === expected.join(' '),
    );
    expect(other.received.every((text) => Buffer.byteLength(text) < 1024)).toBe(true);
    expect(other.received).toContain(
      '{"creator":"127.0.0.1:4043","type":"UPDATE","data":["127.0.0.1:4043","127.0.0.1:5000","127.0.0.1:4044"]}',
    );
  },
);

it.each<ForeignManners>([{}, { circularCheck: true }])('joins at a foreign member: %j', async (manners) => {
  const world = new RingWorld();
  const other = foreign(world, 5000, manners);
  await other.start();
  await world.start(4043, 5000);
  await world.start(4044, 5000);
  const expected = [address(5000), address(4044), address(4043)];
  await world.until(
    () =>
      other.list.length === 3 &&
      world.snapshot(4043).list.length === 3 &&
      world.snapshot(4044).list.length === 3,
  );
  for (const list of [other.list, world.snapshot(4043).list, world.snapshot(4044).list]) {
    const from = list.indexOf(address(5000));
    expect([...list.slice(from), ...list.slice(0, from)]).toEqual(expected);
  }
  expect(other.received[0]).toBe('{"type":"INSERT","data":"127.0.0.1:4043"}');
});

it('shows the steps of a message that goes round with foreign members in the circle', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  for (const { process } of world.members.values()) world.simulation.recorded(process).hops.length = 0;
  await ask(world, 4043, put('a', '1'));
  const circle = world.snapshot(4043).list.map((member) => Number(member.split(':')[1]));
  await world.until(() => other.received.some((text) => text.includes('FORWARD_PUT')));
  const steps = (port: number) =>
    world.simulation
      .recorded(world.members.get(port)?.process as string)
      .hops.filter(({ message }) => message === '127.0.0.1:4043 FORWARD_PUT a');
  for (const [index, port] of circle.entries()) {
    if (port === 5000) continue;
    expect(steps(port)).toMatchObject([{ to: { port: circle[(index + 1) % 4] }, step: index + 1 }]);
  }
});

async function mixed(world: RingWorld): Promise<ForeignMember> {
  await world.ring(3);
  const other = foreign(world, 5000);
  await other.start(4044);
  await world.until(
    () =>
      other.list.length === 4 &&
      world.lists.every((list) => list.includes('5000')) &&
      world.lists.length === 1,
  );
  return other;
}

it('PUT and GET reach every member of a mixed ring, from either side', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  expect((await ask(world, 4043, put('ours', 'a'))).data.status).toBe('200 OK');
  expect(other.items.get('ours')).toBe('a');
  expect((await ask(world, 5000, put('theirs', 'b'))).data.status).toBe('200 OK');
  for (const port of [4043, 4044, 4045, 5000]) {
    expect((await ask(world, port, get('ours'))).data.content).toBe('a');
    expect((await ask(world, port, get('theirs'))).data.content).toBe('b');
    expect((await ask(world, port, get('nothing'))).data.content).toBe('404 NOT FOUND');
  }
});

it('finds what only a foreign member has', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  other.items.set('old', 'from before');
  expect((await ask(world, 4045, get('old'))).data.content).toBe('from before');
});

it('never sends a foreign member more than it can read, and says what was held back', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  const { data } = await ask(world, 4043, put('long', 'x'.repeat(2000)));
  expect(data.status).toMatch(/^206 STORED ON 3 OF 4/);
  expect(other.items.has('long')).toBe(false);
  expect(world.snapshot(4043).heldBack).toMatchObject([{ item: 'long' }]);
  expect(other.received.every((text) => Buffer.byteLength(text) < 1024)).toBe(true);
});

it('heals when a foreign member dies, and keeps the foreign in the list when one of ours dies', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  world.kill(4045);
  await world.until(() => other.list.length === 3 && world.lists.every((list) => !list.includes('4045')));
  expect(other.list).not.toContain(address(4045));
  world.simulation.crash('foreign5000');
  await world.until(() => world.converged);
});

it('counts a foreign member that dies while a PUT goes round as gone, not as one that lacks the item', async () => {
  const world = new RingWorld();
  await world.ring(1);
  const other = foreign(world, 5000);
  await other.start(4043);
  await world.until(() => world.snapshot(4043).list.length === 2 && other.list.length === 2);
  await ask(world, 4043, put('before', '1'));
  world.simulation.crash('foreign5000');
  const { data } = await ask(world, 4043, put('after', '2'));
  expect(data.status).toBe('200 OK');
});

it('answers a client that has finished sending', async () => {
  const world = new RingWorld();
  await world.ring(2);
  await ask(world, 4043, put('a', '1'));
  const said = async (text: string): Promise<string> => {
    const connection = await world.simulation.network
      .host('client')
      .connect({ host: '127.0.0.1', port: 4043 });
    let answer = '';
    let ended = false;
    const handlers = {
      data: (bytes: Uint8Array) => {
        answer += Buffer.from(bytes).toString('utf8');
      },
      end: () => {
        ended = true;
      },
    };
    connection.handle(handlers);
    connection.end(text);
    await world.until(() => ended);
    return answer;
  };
  expect(JSON.parse(await said(JSON.stringify(get('a'))))).toMatchObject({ data: { content: '1' } });
  expect(JSON.parse(await said(JSON.stringify(put('b', '2'))))).toMatchObject({ data: { status: '200 OK' } });
  expect(await said('{"type":"GET"')).toBe('');
});

it('does not believe a foreign list that lacks a live member', async () => {
  const world = new RingWorld();
  const other = await mixed(world);
  const connection = await world.simulation.network.host('liar').connect({ host: '127.0.0.1', port: 4043 });
  connection.handle({ data: () => {} });
  const data = [address(4043), address(5000)];
  connection.write(JSON.stringify({ creator: address(5000), type: 'UPDATE', data }));
  await world.simulation.advance(5000);
  await world.until(() => other.list.length === 4 && world.lists.length === 1);
  expect(world.snapshot(4043).list).toHaveLength(4);
});

it('stops a circular message whose creator is gone', async () => {
  const world = new RingWorld();
  await world.ring(3);
  const connection = await world.simulation.network.host('ghost').connect({ host: '127.0.0.1', port: 4043 });
  connection.handle({ data: () => {} });
  connection.write('{"creator":"127.0.0.1:9","type":"FORWARD_PUT","data":{"item":"g","content":"ghost"}}');
  await world.simulation.advance(2000);
  const seen = [...world.members.values()].map(
    ({ process }) =>
      world.simulation.recorded(process).traces.filter((trace) => trace.includes('ghost')).length,
  );
  expect(Math.max(...seen)).toBeLessThanOrEqual(4);
});
