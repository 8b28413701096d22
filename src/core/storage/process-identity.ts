/** Tells a process from a later one with the same pid. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { promisify } from 'node:util';

/**
 * The time of a boot is reckoned from the clock, which may be set meanwhile: times that differ by less are of one
 * boot. Too little would take a lock from a studio that runs.
 */
const SAME_BOOT_SECONDS = 600;

export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever form the system says so, or else when the system did; empty where neither is known. */
  started: string;
}

export async function thisProcess(platform: string = process.platform): Promise<ProcessIdentity> {
  return { pid: process.pid, started: await startOf(process.pid, platform) };
}

export async function isAlive(
  { pid, started }: ProcessIdentity,
  platform: string = process.platform,
): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = await startOf(pid, platform);
  return started === '' || now === '' || now === started || isSameBoot(now, started);
}

async function startOf(pid: number, platform: string): Promise<string> {
  try {
    if (platform === 'linux') return await startFromProc(pid);
    // What tells more, such as PowerShell, takes seconds.
    if (platform === 'win32') return `boot ${Math.round(Date.now() / 1000 - uptime())}`;
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], {
      timeout: 2000,
    });
    return stdout.trim();
  } catch {
    return '';
  }
}

function isSameBoot(one: string, other: string): boolean {
  const seconds = (started: string): number => Number(/^boot (\d+)$/.exec(started)?.[1]);
  return Math.abs(seconds(one) - seconds(other)) < SAME_BOOT_SECONDS;
}

/** Clock ticks since boot (field 22 of proc_pid_stat(5)) and the boot's id, since the ticks start again at each. */
async function startFromProc(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie is dead, though its number is still taken.
  if (fields[0] === 'Z') return 'zombie';
  return `${fields[19]} ${boot.trim()}`;
}
