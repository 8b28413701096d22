import { expect, it } from 'vitest';
import type { Folder } from '../../runtime/context';
import { exists } from './exists';

const refusing = (code: string): Folder =>
  ({ stat: () => Promise.reject(Object.assign(new Error(code), { code })) }) as unknown as Folder;

it('tells a missing file from one that cannot be looked at', async () => {
  expect(await exists(refusing('ENOENT'), 'a')).toBe(false);
  await expect(exists(refusing('EIO'), 'a')).rejects.toThrow('EIO');
});
