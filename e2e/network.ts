/** A small Micro-CDN in a workspace file: on ports of its own, and quicker than the seed, so that no test waits 8 s. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, startPanel } from './fixtures';
import type { StudioPage } from './pages/studio-page';
import { freePort } from './programs';

/** A server beats so often, and is dead after as many milliseconds without a beat. */
export const QUICK = { heartbeatMs: 300, timeoutMs: 1500 };

export interface NetworkOptions {
  /** Milliseconds; default: `QUICK`. */
  heartbeatMs: number;
  timeoutMs: number;
  /** The servers know nothing but the seed protocol: one that is declared dead does not register again by itself. */
  strict: boolean;
  /** Where heartbeats go; default: any free port. */
  monitorPort: number;
}

/** Writes the workspace and the files of its servers; returns the path to open. */
export async function writeNetwork(home: string, options: Partial<NetworkOptions> = {}): Promise<string> {
  const { heartbeatMs, timeoutMs, strict = false, monitorPort } = { ...QUICK, ...options };
  const [tcpPort, monitorUdp, monitorTcp, tcp1, udp1, tcp2, udp2] = await freePorts(7);
  const node = (kind: string, name: string, x: number, y: number, config: object) => ({
    id: name.toLowerCase(),
    kind,
    name,
    position: { x, y },
    config,
  });
  const server = (name: string, y: number, ports: object) =>
    node('content-server', name, 720, y, {
      serverId: name,
      ...ports,
      strict,
      heartbeatMs,
      index: { node: 'index1' },
      monitor: { node: 'monitor1' },
    });
  const nodes = [
    node('index-server', 'Index1', 360, 0, {
      tcpPort,
      monitor: { node: 'monitor1' },
      pollMs: 200,
      idleMs: 1000,
    }),
    node('monitor', 'Monitor1', 400, 420, {
      udpPort: monitorPort ?? monitorUdp,
      tcpPort: monitorTcp,
      timeoutMs,
      checkMs: 0,
      index: { node: 'index1' },
    }),
    server('CS1', 0, { tcpPort: tcp1, udpPort: udp1 }),
    server('CS2', 240, { tcpPort: tcp2, udpPort: udp2 }),
    node('client', 'Client1', 0, 160, { index: { node: 'index1' }, timeoutMs: 120_000, attempts: 100 }),
  ];
  const document = {
    format: 'micro-cdn-studio',
    version: 1,
    name: 'Quick',
    nodes,
    faults: [],
    startOnOpen: true,
  };
  const path = join(home, 'quick.json');
  writeFileSync(path, JSON.stringify(document));
  putFile(home, 'cs1', 'one.txt', 'Only CS1 has this file.\n');
  putFile(home, 'cs1', 'one.bin', Buffer.alloc(4 * 1024 * 1024, 'one '));
  for (const id of ['cs1', 'cs2']) putFile(home, id, 'both.txt', 'Both servers have this file.\n');
  return path;
}

export function putFile(home: string, server: string, name: string, content: string | Buffer): void {
  const folder = join(home, 'quick-data', 'nodes', server, 'files');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
}

function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, freePort));
}

/** Waits until every server has registered, and our monitor has heard so many of them (default: both). */
export async function networkRuns(studio: StudioPage, { heard = 2 } = {}): Promise<void> {
  for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2', 'Client1'])
    await studio.expectState(name, 'running');
  await expect(studio.node('Index1')).toContainText('2/2 alive');
  await expect(studio.node('Monitor1')).toContainText(`${heard}/${heard} alive`);
  await expect(studio.node('Index1')).toContainText('3 files');
}

/** A panel that has the network open and running. */
export const test = base.extend<{ network: Partial<NetworkOptions> }>({
  network: [{}, { option: true }],
  panel: async ({ home, network }, use) => {
    const panel = await startPanel(home, '--workspace', await writeNetwork(home, network));
    await use(panel);
    expect(await panel.stop()).toBe(0);
  },
  studio: async ({ studio }, use) => {
    await networkRuns(studio);
    await use(studio);
  },
});

export { expect };
