import { expect, it } from 'vitest';
import { Simulation } from '../../runtime/testing/simulation';
import { hashFile } from '../engine/piece-hashes';
import { HashCache } from './hash-cache';

it('is closed when what was being written is on the disk, one write after the other', async () => {
  const sim = new Simulation();
  const context = sim.context('peer');
  const folder = sim.files.at('/peer');
  folder.put('a', 'a');
  const stat = await folder.stat('a');
  const hashes = await hashFile(await folder.open('a'), context.hashing);
  const before = folder.openFiles;
  const create = folder.create.bind(folder);
  let goOn = (): void => {};
  folder.create = async (...options) => {
    const file = await create(...options);
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return file;
  };
  const cache = new HashCache(context, folder, () => true);
  cache.remember('a', stat, hashes);
  await sim.advance(500);
  cache.remember('b', stat, hashes);
  let closed = false;
  const closing = cache.close().then(() => {
    closed = true;
  });
  for (const open of [1, 1]) {
    await sim.settle();
    expect(closed).toBe(false);
    expect(folder.openFiles - before).toBe(open);
    goOn();
  }
  await closing;
  expect(folder.openFiles).toBe(before);
  expect(JSON.parse(Buffer.from(folder.bytesOf('.p2p-hashes.json') ?? []).toString())).toHaveProperty('b');
});
