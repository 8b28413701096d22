/** `micro-cdn panel` as a process: how it starts, how it ends, and what it leaves behind. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { CallName, CallOutput } from '../contract/calls';
import type { NodeView, Snapshot } from '../contract/events';
import { isAlive } from '../core/testing/is-alive';
import { waitFor } from '../core/testing/wait-for';
import { emptyWorkspace } from '../core/workspace/document';
import { cliEntry } from '../testing/programs';
import { scratchFolder } from '../testing/scratch-folder';

let folder: string;
const started: ChildProcess[] = [];
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

interface Running {
  child: ChildProcess;
  url: URL;
  errors: () => string;
  exit: Promise<number | null>;
}
const panel = (...args: string[]): Promise<Running> => run(['panel', '--no-open', ...args]);

async function run(args: string[], env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [cliEntry(), ...args], {
    env: { ...process.env, MICRO_CDN_DATA: join(folder, 'data'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const first = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const line = await Promise.race([first.then(([text]) => text), exit.then(() => '')]);
  if (!line) throw new Error(`The panel ended: ${errors}`);
  return { child, url: new URL(line), errors: () => errors, exit };
}

/** Asks the panel one thing, as a page would. */
async function ask<N extends CallName>(url: URL, name: N, input: unknown = {}): Promise<CallOutput<N>> {
  const socket = new WebSocket(`ws://${url.host}/ws`, { origin: url.origin });
  await once(socket, 'open');
  socket.send(JSON.stringify({ token: new URLSearchParams(url.hash.slice(1)).get('token') }));
  socket.send(JSON.stringify({ id: 1, call: name, input }));
  const answer = await new Promise<{ ok: CallOutput<N> }>((resolve) =>
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.id === 1) resolve(message);
    }),
  );
  socket.close();
  return answer.ok;
}

const running = (url: URL, count: number): Promise<NodeView[]> =>
  waitFor(async () => {
    const { nodes }: Snapshot = await ask(url, 'studio.snapshot');
    return nodes.filter(({ phase }) => phase === 'running').length === count && nodes;
  }, `${count} running nodes`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A file with an index on a fixed port and a content server; they start when it is opened. */
async function workspaceFile(): Promise<{ path: string; port: number }> {
  const path = join(folder, 'network.json');
  const port = await freePort();
  const place = { position: { x: 0, y: 0 } };
  const nodes = [
    { id: 'index1', kind: 'index-server', name: 'Index1', ...place, config: { tcpPort: port } },
    {
      id: 'cs1',
      kind: 'content-server',
      name: 'CS1',
      ...place,
      config: { serverId: 'CS1', tcpPort: 0, udpPort: 0, index: { node: 'index1' } },
    },
  ];
  await writeFile(path, JSON.stringify({ ...emptyWorkspace('Network'), startOnOpen: true, nodes }));
  return { path, port };
}

const gone = (pids: number[]): Promise<true> => waitFor(() => !pids.some(isAlive), 'the nodes to be gone');

describe('micro-cdn panel', () => {
  it('prints its address first, and ends with its nodes when it is asked to', async () => {
    const { path } = await workspaceFile();
    const { child, url, exit } = await panel('--workspace', path);
    expect(url.hostname).toBe('127.0.0.1');
    const pids = (await running(url, 2)).map(({ pid }) => pid as number);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect(await readdir(folder)).not.toContain('network.json.lock');
  });

  it('leaves no process when it is killed, and finds its ports and its workspace free when it is back', async () => {
    const { path, port } = await workspaceFile();
    const first = await panel('--workspace', path);
    const pids = (await running(first.url, 2)).map(({ pid }) => pid as number);
    first.child.kill('SIGKILL');
    await first.exit;
    await gone(pids);
    const second = await panel('--workspace', path);
    const nodes = await running(second.url, 2);
    expect(nodes.find(({ id }) => id === 'index1')?.ports.tcp).toBe(port);
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
  });

  it.skipIf(process.platform === 'win32')(
    'ends at once at the second signal, whatever a node does',
    async () => {
      const { path } = await workspaceFile();
      const { child, url, exit, errors } = await panel('--workspace', path);
      const pids = (await running(url, 2)).map(({ pid }) => pid as number);
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      child.kill('SIGINT');
      await waitFor(() => errors().includes('Once more to force'), 'the first signal');
      child.kill('SIGINT');
      expect(await exit).toBe(130);
      await gone(pids);
    },
  );

  it.skipIf(process.platform === 'win32')(
    'ends in order while what opens the browser still runs',
    async () => {
      const bin = join(folder, 'bin');
      const opened = join(folder, 'opener.pid');
      await mkdir(bin);
      for (const opener of ['xdg-open', 'open'])
        await writeFile(join(bin, opener), `#!/bin/sh\necho $$ > '${opened}'\nexec sleep 600\n`, {
          mode: 0o755,
        });
      const { child, exit } = await run(['panel'], { PATH: `${bin}${delimiter}${process.env.PATH}` });
      const opener = await waitFor(async () => Number(await readFile(opened, 'utf8').catch(() => '')), 'it');
      try {
        child.kill('SIGTERM');
        expect(await exit).toBe(0);
      } finally {
        process.kill(opener, 'SIGKILL');
      }
    },
  );

  it.skipIf(process.platform === 'win32')('goes on after a rejection that nobody handled', async () => {
    const fail = "process.on('SIGUSR2', () => Promise.reject(new Error('nobody listens')));";
    const imported = `--import=data:text/javascript,${encodeURIComponent(fail)}`;
    const { child, url, errors } = await run(['panel', '--no-open'], { NODE_OPTIONS: imported });
    child.kill('SIGUSR2');
    await waitFor(() => errors().includes('nobody listens'), 'the rejection');
    expect((await ask(url, 'studio.snapshot')).nodes).toEqual([]);
  });

  it('says who has its workspace open', async () => {
    const { path } = await workspaceFile();
    const first = await panel('--workspace', path);
    await expect(panel('--workspace', path)).rejects.toThrow(/is open in another studio/);
    first.child.kill('SIGTERM');
    await first.exit;
  });

  it('says that its port is taken', async () => {
    const first = await panel();
    await expect(panel('--port', first.url.port)).rejects.toThrow(/Port \d+ is in use/);
  });

  it('is reached by the names that were allowed, and by no other', async () => {
    const { url } = await panel('--allow-host', 'localhost:9000', '--allow-host', 'cdn.example');
    const status = (name: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = get({ host: url.hostname, port: url.port, headers: { Host: name } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on('error', reject);
      });
    expect(await status('evil.example')).toBe(421);
    for (const name of ['localhost:9000', `cdn.example:${url.port}`])
      expect(await status(name)).not.toBe(421);
    await expect(panel('--allow-host', 'http://cdn.example/')).rejects.toThrow(/takes NAME or NAME:PORT/);
  });

  it('warns when other machines can reach it', async () => {
    const { url, errors } = await panel('--host', '0.0.0.0');
    expect(url.hostname).toBe('127.0.0.1');
    await waitFor(() => errors().includes('other machines can reach it'), 'the warning');
  });
});
