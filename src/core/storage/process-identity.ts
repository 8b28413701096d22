/** Tells a process from a later one with the same pid. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever form the system says so; empty where it does not. */
  started: string;
}

export async function thisProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: await startOf(process.pid) };
}

export async function isAlive({ pid, started }: ProcessIdentity): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = await startOf(pid);
  return started === '' || now === '' || now === started;
}

async function startOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return await startFromProc(pid);
    if (process.platform === 'win32') return '';
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], {
      timeout: 2000,
    });
    return stdout.trim();
  } catch {
    return '';
  }
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
