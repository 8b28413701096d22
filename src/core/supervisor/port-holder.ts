/** Which process holds a port. Best effort: other users' processes stay unnamed, and so may everything else. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 3000;

export type Transport = 'tcp' | 'udp';

export interface PortHolder {
  pid: number;
  /** 'nginx' */
  program: string;
}

/** Null when nobody holds the port, or when the system does not say who. */
export async function findPortHolder(port: number, transport: Transport): Promise<PortHolder | null> {
  try {
    if (process.platform === 'linux') return await fromProc(port, transport);
    if (process.platform === 'win32') return await fromNetstat(port, transport);
    return await fromLsof(port, transport);
  } catch {
    return null;
  }
}

async function fromProc(port: number, transport: Transport): Promise<PortHolder | null> {
  const inodes = new Set<string>();
  for (const table of [transport, `${transport}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    for (const inode of socketInodes(text, port, transport)) inodes.add(inode);
  }
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (!(await holdsSocket(pid, inodes))) continue;
    const program = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    return { pid: Number(pid), program };
  }
  return null;
}

/**
 * The socket inodes of a `/proc/net/{tcp,udp}{,6}` table that are bound to `port`; of TCP only listening
 * ones (state 0A). The columns are in proc_pid_net(5): the local address is the second, in hexadecimal, the
 * state the fourth, the inode the tenth.
 */
export function socketInodes(table: string, port: number, transport: Transport): string[] {
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const localPort = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
    const listening = transport === 'udp' || columns[3] === '0A';
    const inode = columns[9];
    if (localPort === port && listening && inode && inode !== '0') inodes.push(inode);
  }
  return inodes;
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Not readable for processes of other users, and gone when the process ends meanwhile.
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`${folder}/${descriptor}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

async function fromLsof(port: number, transport: Transport): Promise<PortHolder | null> {
  const filter = transport === 'tcp' ? [`-iTCP:${port}`, '-sTCP:LISTEN'] : [`-iUDP:${port}`];
  const { stdout } = await run('lsof', ['-nP', '-Fpc', ...filter], { timeout: TOOL_TIMEOUT_MS });
  return parseLsof(stdout);
}

/** `lsof -F pc` prints one field a line: `p<pid>`, then `c<command>`. */
export function parseLsof(text: string): PortHolder | null {
  const pid = /^p(\d+)$/m.exec(text)?.[1];
  const program = /^c(.+)$/m.exec(text)?.[1];
  return pid ? { pid: Number(pid), program: program ?? 'unknown' } : null;
}

async function fromNetstat(port: number, transport: Transport): Promise<PortHolder | null> {
  const { stdout } = await run('netstat', ['-ano', '-p', transport], { timeout: TOOL_TIMEOUT_MS });
  const pid = parseNetstat(stdout, port, transport);
  if (pid === null) return null;
  const tasks = await run('tasklist', ['/FO', 'CSV', '/NH', '/FI', `PID eq ${pid}`], {
    timeout: TOOL_TIMEOUT_MS,
  });
  return { pid, program: /^"([^"]+)"/m.exec(tasks.stdout)?.[1] ?? 'unknown' };
}

/** Windows: protocol, local address, foreign address, for TCP the state, and the pid. */
export function parseNetstat(text: string, port: number, transport: Transport): number | null {
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[0]?.toLowerCase() !== transport || !columns[1]?.endsWith(`:${port}`)) continue;
    // The state is translated, but only a listener's foreign address has port 0.
    if (transport === 'tcp' && !columns[2]?.endsWith(':0')) continue;
    const pid = Number(columns.at(-1));
    if (Number.isInteger(pid) && pid > 0) return pid;
  }
  return null;
}
