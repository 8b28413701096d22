import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseLsof, parseNetstat, socketInodes } from './port-holder';
import { checkPort, isPortFree, nextFreePort, type PortUse } from './ports';

async function withTcp(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  await use((server.address() as AddressInfo).port);
  await new Promise((resolve) => server.close(resolve));
}

async function withUdp(use: (port: number) => Promise<void>): Promise<void> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await use(socket.address().port);
  await new Promise<void>((resolve) => socket.close(resolve));
}

const use = (node: string, port: number, running: boolean): PortUse => ({
  node,
  name: node.toUpperCase(),
  transport: 'tcp',
  port,
  running,
});

describe('a port', () => {
  it('of TCP is free or taken, and is free again after it was looked at', async () => {
    let taken = 0;
    await withTcp(async (port) => {
      taken = port;
      expect(await isPortFree('127.0.0.1', port, 'tcp')).toBe(false);
    });
    expect(await isPortFree('127.0.0.1', taken, 'tcp')).toBe(true);
    expect(await isPortFree('127.0.0.1', taken, 'tcp')).toBe(true);
  });

  it('that the asking node holds itself is free for it, and for nobody else', async () => {
    await withTcp(async (port) => {
      const uses = [use('a', port, true)];
      expect(await checkPort('127.0.0.1', port, 'tcp', uses, 'a')).toEqual({ free: true });
      expect(await checkPort('127.0.0.1', port, 'tcp', uses, 'b')).toMatchObject({
        holder: 'node A of this workspace',
      });
    });
  });

  it('of UDP has nothing to do with the same of TCP', async () => {
    await withUdp(async (port) => {
      expect(await isPortFree('127.0.0.1', port, 'udp')).toBe(false);
      expect(await isPortFree('127.0.0.1', port, 'tcp')).toBe(true);
    });
  });

  it.runIf(process.platform === 'linux')(
    'that is taken is named with its holder and the next free one',
    async () => {
      await withTcp(async (port) => {
        const check = await checkPort('127.0.0.1', port, 'tcp', []);
        expect(check.free).toBe(false);
        expect(check.holder).toMatch(new RegExp(`\\(pid ${process.pid}\\)`));
        expect(check.nextFree).toBeGreaterThan(port);
        expect(await isPortFree('127.0.0.1', check.nextFree as number, 'tcp')).toBe(true);
      });
    },
  );

  it('of a running node is named without asking the system', async () => {
    const check = await checkPort('127.0.0.1', 45_001, 'tcp', [use('cs1', 45_001, true)]);
    expect(check).toMatchObject({ free: false, holder: 'node CS1 of this workspace' });
  });

  it('that a stopped node has for itself is not offered to another', async () => {
    const first = (await nextFreePort('127.0.0.1', 45_100, 'tcp', [])) as number;
    const next = await nextFreePort('127.0.0.1', first, 'tcp', [use('cs1', first, false)]);
    expect(next).toBeGreaterThan(first);
  });
});

describe('the tables of the system', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:13BA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0',
    '   1: 0100007F:13BA 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0',
    '   2: 0100007F:13BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0',
  ].join('\n');

  it('give the inodes of listeners, on Linux', () => {
    expect(socketInodes(table, 5050, 'tcp')).toEqual(['4711']);
    expect(socketInodes(table, 5050, 'udp')).toEqual(['4711', '4712']);
    expect(socketInodes('', 5050, 'tcp')).toEqual([]);
  });

  it('give the process, elsewhere', () => {
    expect(parseLsof('p812\ncnginx\n')).toEqual({ pid: 812, program: 'nginx' });
    expect(parseLsof('')).toBeNull();
    const windows = [
      '  Proto  Local Address          Foreign Address        State           PID',
      '  TCP    127.0.0.1:50500        0.0.0.0:0              LISTENING       7',
      '  TCP    127.0.0.1:5050         127.0.0.1:6000         ESTABLISHED     8',
      '  TCP    127.0.0.1:5050         0.0.0.0:0              ABHÖREN         9',
      '  UDP    127.0.0.1:5050         *:*                                    10',
    ].join('\r\n');
    expect(parseNetstat(windows, 5050, 'tcp')).toBe(9);
    expect(parseNetstat(windows, 5050, 'udp')).toBe(10);
    expect(parseNetstat(windows, 5051, 'tcp')).toBeNull();
  });
});
