import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOf, memoryWorld, worlds } from './testing/worlds';

describe.each(worlds)('slow disk, %s', (_name, make) => {
  it('delays, and is quick again at once when it is healed', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    world.setFaults({ kind: 'slow-disk', params: { delay: 60_000, rate: 10 } });
    let listed = false;
    const listing = folder.list().then(() => {
      listed = true;
    });
    await world.pass(10);
    expect(listed).toBe(false);
    world.setFaults();
    await listing;
  });

  it('follows the slider with what waits already', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    world.setFaults({ kind: 'slow-disk', params: { delay: 60_000, rate: 10 } });
    const listings = [folder.list(), folder.list(), folder.list()];
    await world.pass(10);
    world.setFaults({ kind: 'slow-disk', params: { delay: 1, rate: 10 } });
    let listed = false;
    void Promise.all([...listings, folder.list()]).then(() => {
      listed = true;
    });
    await world.until(() => listed);
  });

  it('closes a file when what was begun is written', async () => {
    const world = make();
    const hasher = world.node.hashing.hasher('sha256', 100);
    const file = await (await world.node.files.folder('/files')).create('a');
    world.setFaults({ kind: 'slow-disk', params: { delay: 5, rate: 10 } });
    const done: string[] = [];
    const note = (what: string) => (): void => void done.push(what);
    void file.write(Buffer.from('1'), 0).then(note('written'));
    void file
      .writeDigested(bytesOf('2'), 1, (bytes, place) => hasher.update(bytes, place))
      .then(note('digested and written'));
    void file.close().then(note('closed'));
    await world.until(() => done.length === 3);
    expect(done).toEqual(['written', 'digested and written', 'closed']);
  });

  it('digests in the order of the calls what is written meanwhile and after it is healed', async () => {
    const world = make();
    const hasher = world.node.hashing.hasher('sha256', 100);
    const file = await (await world.node.files.folder('/files')).create('a');
    const write = (text: string, position: number) =>
      file.writeDigested(bytesOf(text), position, (bytes, place) => hasher.update(bytes, place));
    world.setFaults({ kind: 'slow-disk', params: { delay: 60_000, rate: 10 } });
    const slow = [write('1', 0), write('2', 1)];
    await world.pass(10);
    world.setFaults();
    await Promise.all([...slow, write('3', 2)]);
    expect(await hasher.digest()).toBe(createHash('sha256').update('123').digest('hex'));
    await file.close();
  });
});

describe.each(worlds)('the rate of a slow disk, %s', (_name, make) => {
  it('is shared by all that is read', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    const file = await folder.create('a');
    await file.write(new Uint8Array(20_000), 0);
    world.setFaults({ kind: 'slow-disk', params: { delay: 0, rate: 1 } });
    const startedAt = world.node.clock.now();
    let read = 0;
    for (let n = 0; n < 2; n++) void file.read(new Uint8Array(20_000), 0).then((bytes) => (read += bytes));
    await world.until(() => read === 40_000);
    expect(world.node.clock.now() - startedAt).toBeGreaterThanOrEqual(39);
    await file.close();
  });
});

it('reads at the rate that is set, one operation after the other', async () => {
  const world = memoryWorld();
  const folder = await world.node.files.folder('/files');
  const file = await folder.create('a');
  await file.write(new Uint8Array(1_000_000), 0);
  world.setFaults({ kind: 'slow-disk', params: { delay: 10, rate: 1 } });
  const startedAt = world.node.clock.now();
  let done = 0;
  for (let n = 0; n < 2; n++) void file.read(new Uint8Array(500_000), 0).then(() => done++);
  await world.until(() => done === 2);
  expect(world.node.clock.now() - startedAt).toBeGreaterThanOrEqual(1020);
  expect(world.node.clock.now() - startedAt).toBeLessThan(1030);
});
