import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, Hashing } from './context';
import { systemHashing } from './hashing';
import { memoryHashing } from './testing/memory-hashing';

const MANY = 1 << 30;
const FEW = 1000;

const digestOf = (algorithm: HashAlgorithm, ...parts: Uint8Array[]): string => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Bytes that own their memory. */
function block(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + seed) & 0xff;
  return bytes;
}

const implementations: [string, Hashing, number][] = [
  ['in a thread', systemHashing(2), MANY],
  ['on the spot', systemHashing(2), FEW],
  ['in memory', memoryHashing, MANY],
];

describe.each(implementations)('hashing %s', (_, hashing, expectedBytes) => {
  it('gives digests of single blocks, and the bytes back', async () => {
    const hasher = hashing.hasher('sha256', expectedBytes);
    const answers = await Promise.all([1, 2, 3].map((seed) => hasher.hash(block(5000, seed))));
    expect(answers.map(({ hex }) => hex)).toEqual(
      [1, 2, 3].map((seed) => digestOf('sha256', block(5000, seed))),
    );
    expect(answers.every(({ bytes }, at) => bytes.equals(block(5000, at + 1)))).toBe(true);
    hasher.close();
  });

  it('gives back a part of a larger buffer as that part', async () => {
    const hasher = hashing.hasher('sha256', expectedBytes);
    const whole = block(1000, 1);
    const { bytes, hex } = await hasher.hash(whole.subarray(100, 300));
    expect(hex).toBe(digestOf('sha256', block(1000, 1).subarray(100, 300)));
    expect(bytes.equals(block(1000, 1).subarray(100, 300))).toBe(true);
    expect(bytes.buffer.byteLength).toBe(1000);
    hasher.close();
  });

  it('runs on while single blocks are hashed, and after its digest was asked for', async () => {
    const hasher = hashing.hasher('sha1', expectedBytes);
    const given = await Promise.all([hasher.update(block(300, 1)), hasher.hash(block(9, 9))]);
    expect(given[0].bytes.equals(block(300, 1))).toBe(true);
    expect(await hasher.digest()).toBe(digestOf('sha1', block(300, 1)));
    await hasher.update(block(70, 2));
    expect(await hasher.digest()).toBe(digestOf('sha1', block(300, 1), block(70, 2)));
    hasher.close();
  });

  it('keeps hashers apart, and answers what was asked before one was closed', async () => {
    const hashers = (['sha512', 'md5', 'sha256'] as const).map((algorithm) => ({
      algorithm,
      hasher: hashing.hasher(algorithm, expectedBytes),
    }));
    const digests = hashers.map(async ({ hasher }, at) => {
      void hasher.update(block(100, at));
      const digest = hasher.digest();
      hasher.close();
      return digest;
    });
    expect(await Promise.all(digests)).toEqual(
      hashers.map(({ algorithm }, at) => digestOf(algorithm, block(100, at))),
    );
  });

  it('knows the digest of nothing', async () => {
    const hasher = hashing.hasher('sha256', expectedBytes);
    expect(await hasher.digest()).toBe(digestOf('sha256'));
    hasher.close();
  });
});

it.each([
  ['a thread', systemHashing(1)],
  ['memory', memoryHashing],
])('takes bytes away while %s has them', async (_, hashing) => {
  const hasher = hashing.hasher('sha256', MANY);
  const bytes = block(100, 1);
  const answer = hasher.hash(bytes);
  expect(bytes.length).toBe(0);
  expect((await answer).bytes.length).toBe(100);
  hasher.close();
});

it('fails, and does not hang, when it is given what no thread can take', async () => {
  const hasher = systemHashing(1).hasher('none' as HashAlgorithm, MANY);
  await expect(hasher.hash(block(10, 1))).rejects.toThrow();
  await expect(hasher.hash(block(10, 1))).rejects.toThrow();
  hasher.close();
});
