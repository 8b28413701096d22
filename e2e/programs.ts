/** Programs of a test: started by the command line, talked to over TCP, and none outlives the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as base } from '@playwright/test';
import { makeScratchFolder, removeScratchFolder } from './scratch-folder';

export interface Finished {
  code: number | null;
  out: string;
  err: string;
}

export class Programs {
  /** Where they run; removed at the end. */
  readonly folder = makeScratchFolder();
  readonly #running = new Set<ChildProcess>();

  launch(...args: string[]): ChildProcess {
    return this.#spawn(args, 'ignore');
  }

  #spawn(args: string[], stdin: 'ignore' | 'pipe'): ChildProcess {
    const cli = join(process.cwd(), 'out/main/cli.js');
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: this.folder,
      stdio: [stdin, 'pipe', 'pipe'],
    });
    return this.#watch(child);
  }

  #watch(child: ChildProcess): ChildProcess {
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /** Starts a node; resolves at its READY line to its TCP port. */
  async start(...args: string[]): Promise<{ child: ChildProcess; port: number }> {
    return this.#ready(this.launch(...args), args);
  }

  /** Starts a node that takes commands on standard input; `said` is all it has answered so far. */
  async startTerminal(
    ...args: string[]
  ): Promise<{ child: ChildProcess; port: number; type(line: string): void; said(): string }> {
    const child = this.#spawn(args, 'pipe');
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    const type = (line: string): void => void child.stdin?.write(`${line}\n`);
    return { ...(await this.#ready(child, args)), type, said: () => said };
  }

  /** The same at a terminal, that of util-linux's `script`: `press` takes keys as they are. */
  async startAtTty(...args: string[]): Promise<{
    child: ChildProcess;
    port: number;
    press(keys: string): void;
    shown(): string;
  }> {
    const command = [process.execPath, join(process.cwd(), 'out/main/cli.js'), ...args];
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const child = this.#watch(
      spawn('script', ['-qfec', quoted, '/dev/null'], {
        cwd: this.folder,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, TERM: 'xterm' },
      }),
    );
    let shown = '';
    child.stdout?.on('data', (chunk) => {
      shown += chunk;
    });
    const press = (keys: string): void => void child.stdin?.write(keys);
    return { ...(await this.#ready(child, args)), press, shown: () => shown };
  }

  async #ready(child: ChildProcess, args: string[]): Promise<{ child: ChildProcess; port: number }> {
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    const ready = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
      child.once('close', (code) => reject(new Error(`${args[0]} ended with ${code}: ${complaint}`)));
    });
    return { child, port: Number(/ tcp=(\d+)/.exec(ready)?.[1]) };
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Finished> {
    const child = this.launch(...args);
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  }

  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
    removeScratchFolder(this.folder);
  }
}

export const test = base.extend<{ programs: Programs }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of the fixtures from the pattern.
  programs: async ({}, use) => {
    const programs = new Programs();
    await use(programs);
    programs.close();
  },
});

export function exited(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}

/** The ports that were handed out: a program may not yet listen on its own when the next one is looked for. */
const given = new Set<number>();

/**
 * Free for TCP and UDP, and below the range from which the system takes the ports of outgoing connections: one of
 * those could take a port between this test's look and the use of it, or while the program that has it is restarted.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
}

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

/** Sends one message; resolves to all that comes back until the other side closes, or has said `last`. */
export function exchange(port: number, message: string, last?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(message));
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += chunk;
      if (last !== undefined && answer.endsWith(last)) socket.end();
    });
    socket.on('end', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
