import { describe, expect, it } from 'vitest';
import { isAlive, type ProcessIdentity, thisProcess } from './process-identity';

describe('where only the time of the boot is known', () => {
  const shifted = async (seconds: number): Promise<ProcessIdentity> => {
    const { pid, started } = await thisProcess('win32');
    return { pid, started: `boot ${Number(started.replace('boot ', '')) + seconds}` };
  };

  it('a process of this boot lives, also after the clock was put right', async () => {
    expect(await isAlive(await thisProcess('win32'), 'win32')).toBe(true);
    expect(await isAlive(await shifted(-30), 'win32')).toBe(true);
  });

  it('one of another boot does not, though its number is taken again', async () => {
    expect(await isAlive(await shifted(-3600), 'win32')).toBe(false);
  });
});
