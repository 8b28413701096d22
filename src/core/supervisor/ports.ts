/** Which ports are free on this machine, and what to say about those that are not. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { PortCheck } from '../../contract/calls';
import { findPortHolder, type Transport } from './port-holder';

/** A port of a node: of the workspace's document, or bound at this moment. */
export interface PortUse {
  node: string;
  name: string;
  transport: Transport;
  port: number;
  running: boolean;
}

/** Ports below are for system services; `nextFreePort` starts again here after the last port. */
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;
const SEARCH = 200;

/** Whether a node could listen there now. An address that this machine does not have is free of conflicts. */
export async function isPortFree(host: string, port: number, transport: Transport): Promise<boolean> {
  return (await obstacle(host, port, transport)) === null;
}

/** 'EACCES' where the system keeps the port for itself: below 1024, and on Windows in ranges of its own choice. */
async function obstacle(
  host: string,
  port: number,
  transport: Transport,
): Promise<'EADDRINUSE' | 'EACCES' | null> {
  const code = await (transport === 'tcp' ? tryListen(host, port) : tryBind(host, port));
  return code === 'EADDRINUSE' || code === 'EACCES' ? code : null;
}

/**
 * What stands in the way of this port, for a person, and the next one that is free.
 * @param asking the node that asks: what it holds itself does not stand in its way
 */
export async function checkPort(
  host: string,
  port: number,
  transport: Transport,
  uses: readonly PortUse[],
  asking?: string,
): Promise<PortCheck> {
  const holding = uses.filter((use) => use.running && use.port === port && use.transport === transport);
  const running = holding.find(({ node }) => node !== asking);
  if (!running && holding.length > 0) return { free: true };
  const code = running ? 'EADDRINUSE' : await obstacle(host, port, transport);
  if (code === null) return { free: true };
  const nextFree = await nextFreePort(host, port + 1, transport, uses);
  return {
    free: false,
    holder: running ? `node ${running.name} of this workspace` : await describeHolder(port, transport, code),
    ...(nextFree === null ? {} : { nextFree }),
  };
}

/** The first port from `from` on that is free and that no node of the workspace has for itself. */
export async function nextFreePort(
  host: string,
  from: number,
  transport: Transport,
  uses: readonly PortUse[],
): Promise<number | null> {
  const taken = new Set(uses.filter((use) => use.transport === transport).map((use) => use.port));
  for (let step = 0; step < SEARCH; step++) {
    const port = from + step > LAST_PORT ? FIRST_PORT + (from + step - LAST_PORT) : from + step;
    if (!taken.has(port) && (await isPortFree(host, port, transport))) return port;
  }
  return null;
}

async function describeHolder(
  port: number,
  transport: Transport,
  code: 'EADDRINUSE' | 'EACCES',
): Promise<string> {
  if (code === 'EACCES') return 'the system, which keeps it for itself';
  const holder = await findPortHolder(port, transport);
  if (holder) return `process ${holder.program} (pid ${holder.pid})`;
  return 'another program';
}

function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'UNKNOWN'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function tryBind(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? 'UNKNOWN');
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
