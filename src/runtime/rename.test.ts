import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../testing/scratch-folder';
import { renameExclusively, renamePatiently } from './rename';

/** A system on which a rename fails with these codes first. */
function system(...codes: string[]) {
  const done: string[] = [];
  const attempt = async (from: string, to: string): Promise<void> => {
    const code = codes.shift();
    if (code) throw Object.assign(new Error(code), { code });
    done.push(`${from} > ${to}`);
  };
  return { done, attempt, retryMs: [0, 0] };
}

it('tries again while another program has the file open, and not for ever', async () => {
  const scanned = system('EPERM', 'EBUSY');
  await renamePatiently('a', 'b', scanned);
  expect(scanned.done).toEqual(['a > b']);
  await expect(renamePatiently('a', 'b', system('EPERM', 'EBUSY', 'EACCES'))).rejects.toThrow('EACCES');
  await expect(renamePatiently('a', 'b', system('ENOENT'))).rejects.toThrow('ENOENT');
});

it('gives a file another name where there is none of it yet', async () => {
  const folder = await scratchFolder();
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await writeFile(from, 'new');
  await writeFile(to, 'old');
  await expect(renameExclusively(from, to)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(to, 'utf8')).toBe('old');
  await rm(to);
  await renameExclusively(from, to);
  expect(await readFile(to, 'utf8')).toBe('new');
});
