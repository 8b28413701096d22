import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../shared/testing/micro-cdn-world';
import { readDigests, writeDigests } from './digest-record';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const text = 'The quick brown fox jumps over the lazy dog.'.repeat(100);
const sha256 = (of: string): string => createHash('sha256').update(of).digest('hex');
const WRONG = 'the bytes are not those that the file had when it was added';
const rotten = { kind: 'wrong-content', params: { every: 1000 } };

async function fetched(name = 'fox.txt', withinMs = 60_000) {
  const download = world.download(name);
  for (let waited = 0; !download.over && waited < withinMs; waited += 500) await world.sim.advance(500);
  return download;
}

const announced = (): number =>
  world
    .recorded('CS1')
    .traces.flatMap((trace) => trace.split('\n'))
    .filter((line) => /^(> )?FILE_DIGEST/.test(line)).length;

describe('a disk that goes bad', () => {
  it('is found out by the hash from before: the file comes from elsewhere, or not at all', async () => {
    await world.sample(2, { 'fox.txt': text });
    world.setFaults('CS1', rotten);
    for (let round = 0; round < 5; round++) {
      const { outcome } = await fetched();
      expect(outcome).toMatchObject({ sha256: sha256(text), verified: 'size and hash' });
    }
    world.setFaults('CS2', rotten);
    expect((await fetched()).error?.message).toContain(WRONG);
    world.setFaults('CS2');
    expect((await fetched()).outcome?.sha256).toBe(sha256(text));
  });

  it('is found out also where it was bad already when the server started', async () => {
    await world.sample(1, { 'fox.txt': text });
    world.crash('CS1');
    world.setFaults('CS1', rotten);
    await world.content(1);
    await world.sim.advance(5000);
    expect((await fetched()).error?.message).toContain(WRONG);
  });

  it('is found out by the others where it was bad before the file was hashed', async () => {
    await world.sample(2, { 'fox.txt': text });
    world.setFaults('CS3', rotten);
    world.put(3, 'fox.txt', text);
    await world.content(3);
    await world.sim.advance(5000);
    expect(world.events('index', 'digests-disagree').at(-1)).toContain('CS3');
    for (let round = 0; round < 6; round++) {
      expect((await fetched()).outcome).toMatchObject({
        sha256: sha256(text),
        verified: 'size and hash',
        source: { serverId: expect.stringMatching(/CS[12]/) },
      });
    }
  });

  it('lets nobody say "hash" who alone has hashed', async () => {
    await world.sample(1, { 'fox.txt': text });
    world.setFaults('CS2', rotten);
    world.put(2, 'fox.txt', text);
    await world.content(2);
    await world.sim.advance(5000);
    await world.stop('CS1');
    const { outcome } = await fetched();
    expect(outcome?.sha256).not.toBe(sha256(text));
    expect(outcome?.verified).toBe("size and the sender's own hash");
  });
});

describe('digests of files', () => {
  it('are announced once, and again when the bytes are others', async () => {
    await world.sample(1, { 'fox.txt': text, 'my cat.txt': 'cat' });
    expect(announced()).toBe(2);
    const before = await fetched('my cat.txt');
    expect(before.outcome).toMatchObject({ sha256: sha256('cat'), verified: 'size and hash' });
    await world.sim.advance(10);
    world.put(1, 'my cat.txt', 'dog');
    await world.sim.advance(2000);
    expect(announced()).toBeGreaterThan(2);
    const after = await fetched('my cat.txt');
    expect(after.outcome).toMatchObject({ sha256: sha256('dog'), verified: 'size and hash' });
  });

  it('wait for a record that cannot be read now, and are made anew from a damaged one', async () => {
    await world.sample(1, { 'fox.txt': text });
    world.crash('CS1');
    world.setFaults('CS1', { kind: 'read-errors', params: { percent: 100 } });
    await world.content(1);
    await world.sim.advance(8000);
    world.setFaults('CS1', rotten);
    await world.sim.advance(20_000);
    expect((await fetched()).error?.message).toContain(WRONG);
    world.crash('CS1');
    world.setFaults('CS1');
    const folder = world.sim.files.at('/CS1');
    folder.put('.micro-cdn-digests', 'micro-cdn digests 1 nonsense\n');
    await world.content(1);
    await world.sim.advance(3000);
    expect((await fetched()).outcome).toMatchObject({ verified: 'size and hash' });
    expect((await readDigests(folder)).get('fox.txt')?.sha256).toBe(sha256(text));
  });

  it('survive a round trip through the record, whatever the names', async () => {
    const folder = world.sim.files.at('/record');
    const digests = new Map([
      [
        'a b/größe 文.txt',
        { size: 5, modifiedMs: 1.25, changedMs: 1_700_000_000_000.123, sha256: sha256('a') },
      ],
      ['$&.txt', { size: 0, modifiedMs: 0, sha256: sha256('b') }],
    ]);
    await writeDigests(folder, digests, 'CS 1');
    expect(await readDigests(folder)).toEqual(digests);
    expect(folder.names).toEqual(['.micro-cdn-digests']);
  });

  it('are no business of a strict server', async () => {
    world.put(1, 'fox.txt', text);
    await world.index();
    await world.content(1, { strict: true });
    await world.sim.advance(3000);
    expect(world.sim.files.at('/CS1').names).toEqual(['fox.txt']);
    expect(announced()).toBe(0);
  });
});
