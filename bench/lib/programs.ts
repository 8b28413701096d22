/** The programs that a bench runs: our own nodes by the command line, and peers where they are installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const started = new Set<ChildProcess>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const child of started) killGroup(child);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

export interface RunningNode {
  process: ChildProcess;
  pid: number;
  ports: Record<string, number>;
}

/** Starts `micro-cdn …args` and resolves at its READY line. */
export async function startNode(...args: string[]): Promise<RunningNode> {
  const child = spawn(process.execPath, ['out/main/cli.js', ...args, '--quiet'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  killAtExit(child);
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('READY ')) continue;
    const ports = Object.fromEntries(
      line
        .split(' ')
        .slice(2)
        .map((part) => part.split('='))
        .map(([name, port]) => [name, Number(port)]),
    );
    return { process: child, pid: child.pid as number, ports };
  }
  throw new Error(`micro-cdn ${args.join(' ')} ended before it was ready.`);
}

/** Whatever becomes of the bench, the program does not outlive it. */
export function killAtExit(child: ChildProcess): void {
  started.add(child);
  child.once('exit', () => started.delete(child));
}

/** Starts any other program; it is killed at the end. `stderr: 'ignore'` for one that complains of being probed. */
export function startPeer(
  command: string,
  args: string[],
  { stderr = 'inherit' }: { stderr?: 'inherit' | 'ignore' } = {},
): ChildProcess {
  // In a group of its own: nginx's workers outlive a master that is killed, and must not.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', stderr], detached: true });
  killAtExit(child);
  return child;
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  started.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  killGroup(child);
  await exit;
}

/** The path of an installed program, or undefined: a missing peer is named, never guessed. */
export function findPeer(name: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

/** Runs a program to its end. @throws with its standard error when it fails */
export function runPeer(command: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

/** A folder that is removed at the end. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micro-cdn-bench-'));
  folders.add(folder);
  return folder;
}

/** Makes the folder empty. */
export function clear(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Seconds of CPU, user and system, that a process has used so far; NaN where the system does not tell. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Processes that one has started, and those that they have; none where the system does not tell. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of existsSync('/proc') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      parents.set(Number(entry), Number(fields[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** Seconds of CPU that programs have used which this one has started and which have ended; NaN where nobody tells. */
export function endedCpuSeconds(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return Number.NaN;
  }
}

/**
 * What a process has had resident at most, bytes; NaN where the system does not tell. The system keeps it, so that
 * a look at the end is enough: looking through a process's pages every 50 ms takes 4 ms each time from what it does.
 */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** Bytes of memory that are a process's own: private pages and its share of the shared ones. */
export function proportionalMemory(pid: number): { private: number; proportional: number } {
  const read = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024;
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return {
      private: read(text, 'Private_Clean') + read(text, 'Private_Dirty'),
      proportional: read(text, 'Pss'),
    };
  } catch {
    return { private: Number.NaN, proportional: Number.NaN };
  }
}
