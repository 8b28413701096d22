/** Our own programs recognise one another, also when the first words between them are damaged, late or lost. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX, World } from './testing/micro-cdn-world';
import { ForeignServer } from './testing/raw-peer';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

/** An index that greets with these lines, one after the other, the last one again and again. */
async function greetingIndex(welcomes: string[], answer: (line: string) => string): Promise<ForeignServer> {
  let greeted = 0;
  return ForeignServer.byLine(world.sim.network.host('other-index'), INDEX, (line) => {
    if (!line.startsWith('HELLO')) return answer(line);
    return `${welcomes[Math.min(greeted++, welcomes.length - 1)]}\n`;
  });
}

const registering = (line: string): string => {
  if (line.startsWith('REGISTER')) return 'OK REGISTERED\n';
  if (line === 'DONE_FILES') return 'OK FILES_ADDED\n';
  if (line.startsWith('STATUS')) return 'STATUS CS1 alive 1\n';
  return line.startsWith('GET') ? 'SERVER 127.0.0.1 7001 CS1 1\n' : '';
};

describe('a content server', () => {
  it('asks again when the WELCOME is neither ours nor the seed’s', async () => {
    const index = await greetingIndex(
      ['WELCOMF MICRO-CDN delta digests', 'WELCOME MICRO-CDN delta digests'],
      registering,
    );
    world.put(1, 'a', 'x');
    await world.content(1, { monitor: null });
    await world.sim.advance(100);
    expect(index.received.filter((line) => line.startsWith('HELLO '))).toHaveLength(2);
    expect(index.received).toContain('FEATURES CS1 resume spans');
  });

  it('takes an answer that comes twice for the index’s own way, and speaks plainly', async () => {
    const index = await greetingIndex(['Good day!'], registering);
    world.put(1, 'a', 'x');
    await world.content(1, { monitor: null });
    await world.sim.advance(20_000);
    expect(index.received.filter((line) => line.startsWith('HELLO '))).toHaveLength(2);
    expect(index.received).toContain('ADD_FILE CS1 a 1');
    expect(index.received.some((line) => line.startsWith('FEATURES'))).toBe(false);
  });

  it('finds out later that the index is ours, when it was too slow to say so', async () => {
    world.put(1, 'my file', 'x');
    world.setFaults('index', { kind: 'latency', params: { delay: 1500 }, scope: { direction: 'out' } });
    await world.index({ monitor: null });
    await world.content(1, { monitor: null });
    await world.sim.advance(10_000);
    expect((await world.catalogue()).rows.map(({ name }) => name)).toEqual(['my%20file']);
    world.setFaults('index');
    await world.sim.advance(35_000);
    expect((await world.catalogue()).rows.map(({ name }) => name)).toEqual(['my file']);
  });
});

describe('a client', () => {
  it('asks again when the WELCOME is damaged, and verifies by hash', async () => {
    await world.sample(1, { a: 'content' });
    const digest = world
      .recorded('CS1')
      .traces.flatMap((trace) => trace.split('\n'))
      .find((line) => line.includes('FILE_DIGEST'))
      ?.split(' ')
      .at(-2);
    world.crash('index');
    const server = `SERVER 127.0.0.1 7001 CS1 7 resume sha256=${digest}\n`;
    await greetingIndex(
      ['WELCOME MICRO-CDN route ho|ders digests', 'WELCOME MICRO-CDN route holders digests'],
      (line) => (line.startsWith('GET') ? server : ''),
    );
    const download = world.download('a');
    await world.sim.advance(1000);
    expect(download.outcome).toMatchObject({ size: 7, verified: 'size and hash' });
  });

  it('says that only the size is verified when its question was damaged, and verifies by hash later', async () => {
    await world.sample(1, { a: 'content' });
    // Nothing of the first connection to the index can be read: as a foreign one might, it says nothing.
    world.setFaults('client', { kind: 'corrupt', params: { every: 1 }, pick: { first: 1 } });
    const first = world.download('a');
    await world.sim.advance(8000);
    expect(first.outcome).toMatchObject({ size: 7, verified: 'only the size' });
    await world.sim.advance(10_000);
    const later = world.download('a');
    await world.sim.advance(1000);
    expect(later.outcome).toMatchObject({ size: 7, verified: 'size and hash' });
  });
});
