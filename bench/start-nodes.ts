/** How long do 1, 20 and 100 content servers take to start from the panel's core, and what memory do they take? */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { proportionalMemory, scratchFolder } from './lib/programs';
import { printTable } from './lib/table';

const counts = [1, 20, 100];

const rows: string[][] = [];
for (const count of counts) {
  const panel = await openPanel();
  await panel.call('workspace.apply', { command: { type: 'add-node', kind: 'index-server' } });
  await panel.call('workspace.apply', { command: { type: 'add-node', kind: 'monitor' } });
  const ids: string[] = [];
  for (let made = 0; made < count; made++) {
    const added = await panel.call('workspace.apply', {
      command: { type: 'add-node', kind: 'content-server' },
    });
    ids.push(...(added as { ids: string[] }).ids);
  }
  const { nodes } = (await panel.call('studio.snapshot', {})) as { nodes: { id: string }[] };
  await panel.call('nodes.start', { ids: nodes.map((node) => node.id).filter((id) => !ids.includes(id)) });
  await panel.running(2);
  const before = performance.now();
  await panel.call('nodes.start', { ids });
  const pids = await panel.running(count + 2);
  const seconds = (performance.now() - before) / 1000;
  const memory = pids.map(proportionalMemory);
  const mebibytes = (values: number[]): string =>
    (values.reduce((sum, value) => sum + value, 0) / 2 ** 20).toFixed(0);
  rows.push([
    String(count),
    seconds.toFixed(2),
    mebibytes(memory.map((each) => each.private)),
    mebibytes(memory.map((each) => each.proportional)),
    (memory.reduce((sum, each) => sum + each.private, 0) / memory.length / 2 ** 20).toFixed(1),
  ]);
  await panel.close();
}
printTable(
  'Start of content servers, from the call to all running',
  ['servers', 'seconds', 'private MiB in all', 'proportional MiB in all', 'private MiB each'],
  rows,
  ['targets: 100 within 15 s on 2 cores; ≤ 1 GiB of their own in all'],
);
process.exit(0);

interface Panel {
  call(name: string, input: unknown): Promise<unknown>;
  /** Resolves to the pids once so many nodes run. @throws when one crashes */
  running(count: number): Promise<number[]>;
  close(): Promise<void>;
}

async function openPanel(): Promise<Panel> {
  const home = scratchFolder();
  const child = spawn(
    process.execPath,
    ['out/main/cli.js', 'panel', '--no-open', '--workspace', join(home, 'bench.json')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MICRO_CDN_DATA: home },
    },
  );
  process.on('exit', () => child.kill());
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
  return {
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
