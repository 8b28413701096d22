/** The headless panel, driven by its own calls. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { killAtExit, scratchFolder } from './programs';

export interface Panel {
  pid: number;
  /** Its address with the token. */
  url: string;
  call(name: string, input: unknown): Promise<unknown>;
  /** Resolves to the pids once so many nodes run. @throws when one crashes */
  running(count: number): Promise<number[]>;
  close(): Promise<void>;
}

/**
 * Starts `micro-cdn panel`, and a session with it beside those of browsers.
 * @param home the folder of its data; `bench.json` in it is its workspace
 */
export async function openPanel(home = scratchFolder()): Promise<Panel> {
  const child = spawn(
    process.execPath,
    ['out/main/cli.js', 'panel', '--no-open', '--workspace', join(home, 'bench.json')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MICRO_CDN_DATA: home },
    },
  );
  killAtExit(child);
  let url: URL | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    url = new URL(line);
    break;
  }
  if (!url) throw new Error('The panel printed no address.');
  const socket = new WebSocket(`ws://${url.host}/ws`, { origin: url.origin });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let ready: () => void = () => {};
  const hello = new Promise<void>((resolve) => {
    ready = resolve;
  });
  socket.on('message', (text) => {
    const message = JSON.parse(String(text));
    if (message.hello) return ready();
    const call = waiting.get(message.id);
    if (!call) return;
    waiting.delete(message.id);
    if (message.error) call.reject(new Error(message.error.message));
    else call.resolve(message.ok);
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const token = new URLSearchParams(url.hash.slice(1)).get('token') ?? url.hash.slice(1);
  socket.send(JSON.stringify({ token }));
  await hello;
  let id = 0;
  const call = (name: string, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.set(++id, { resolve, reject });
      socket.send(JSON.stringify({ id, call: name, input }));
    });
  // A session counts as somebody who looks, until it says otherwise.
  await call('studio.watch', { visible: false });
  return {
    pid: child.pid as number,
    url: url.href,
    call,
    async running(count) {
      for (;;) {
        const { nodes } = (await call('studio.snapshot', {})) as {
          nodes: { phase: string; pid?: number; reason?: { message: string } }[];
        };
        const crashed = nodes.find((node) => node.phase === 'crashed');
        if (crashed) throw new Error(crashed.reason?.message ?? 'a node crashed');
        const running = nodes.filter((node) => node.phase === 'running');
        if (running.length >= count) return running.map((node) => node.pid as number);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close() {
      socket.close();
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exit;
    },
  };
}
