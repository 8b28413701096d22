/** The replica balancer with real processes: the seed's command lines, kill, drain and waiting clients. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { selfSigned } from './certificate';
import { test as panelTest } from './fixtures';
import { exchange, exited, freePort, type Programs, test } from './programs';

async function replica(programs: Programs, page: string): Promise<Awaited<ReturnType<Programs['start']>>> {
  writeFileSync(join(programs.folder, `${page}.html`), page.repeat(1000));
  return programs.start('replica', '-p', String(await freePort()), '-l', `${page}.log`, '-w', `${page}.html`);
}

/** The address in the packet that the balancer sends unasked. */
async function assigned(port: number): Promise<string> {
  return (await exchange(port, '')).slice(12);
}

test('a client gets the page, also when the replica it would have got dies', async ({ programs }) => {
  const replicas = [await replica(programs, 'one'), await replica(programs, 'two')];
  writeFileSync(join(programs.folder, 'servers'), replicas.map(({ port }) => `127.0.0.1:${port}\n`).join(''));
  const port = String(await freePort());
  const balancer = await programs.start(
    'replica-balancer',
    '-s',
    'servers',
    '-p',
    port,
    '-l',
    'balancer.log',
  );
  const client = ['replica-client', '-s', '127.0.0.1', '-p', port, '-l', 'client.log'];
  const first = await programs.run(...client);
  expect(first.code).toBe(0);
  const chosen = replicas.find(({ port: at }) => first.err.includes(`127.0.0.1:${at}`));
  chosen?.child.kill('SIGKILL');
  const second = await programs.run(...client, '--out', 'page.html');
  expect(second.code).toBe(0);
  expect(second.err).toContain('size and hash verified');
  expect(readFileSync(join(programs.folder, 'page.html'), 'utf8')).not.toBe(first.out);
  await expect
    .poll(() => readFileSync(join(programs.folder, 'balancer.log'), 'utf8'))
    .toContain(`127.0.0.1:${chosen?.port} is down`);
  balancer.child.kill('SIGINT');
  expect(await exited(balancer.child)).toBe(0);
});

test('a client waits while nothing is up, and is served the moment a replica appears', async ({
  programs,
}) => {
  writeFileSync(join(programs.folder, 'servers'), '');
  const port = await freePort();
  await programs.start('replica-balancer', '-s', 'servers', '-p', String(port));
  let answered = '';
  const waiting = assigned(port).then((address) => {
    answered = address;
  });
  const late = await replica(programs, 'late');
  expect(answered).toBe('');
  writeFileSync(join(programs.folder, 'servers'), `127.0.0.1:${late.port}\n`);
  await waiting;
  expect(answered).toBe(`127.0.0.1:${late.port}`);
});

test('a page comes by https from a server whose certificate is trusted, and from no other', async ({
  programs,
}) => {
  const { cert, key } = selfSigned();
  const site = createServer({ cert, key }, (_request, response) => response.end('secure page'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  const authority = join(programs.folder, 'authority.pem');
  writeFileSync(authority, cert);
  const command = async (): Promise<string[]> => ['replica', '-p', String(await freePort()), '-w', url];
  try {
    const refusing = programs.launch(...(await command()));
    let said = '';
    refusing.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said).toContain('self-signed certificate');

    process.env.NODE_EXTRA_CA_CERTS = authority;
    const { port } = await programs.start(...(await command()));
    writeFileSync(join(programs.folder, 'servers'), `127.0.0.1:${port}\n`);
    const balancer = await programs.start(
      'replica-balancer',
      '-s',
      'servers',
      '-p',
      String(await freePort()),
    );
    const client = await programs.run('replica-client', '-s', '127.0.0.1', '-p', String(balancer.port));
    expect(client).toMatchObject({ code: 0, out: 'secure page' });
  } finally {
    delete process.env.NODE_EXTRA_CA_CERTS;
    site.closeAllConnections();
    site.close();
  }
});

test('Ctrl-C finishes the present client first, and a second one does not wait', async ({ programs }) => {
  for (const second of [false, true]) {
    const { child, port } = await replica(programs, 'page');
    const socket = await halfServed(port);
    child.kill('SIGINT');
    await refused(port);
    expect(child.exitCode).toBeNull();
    if (second) child.kill('SIGINT');
    else await finish(socket);
    expect(await exited(child)).toBe(0);
    socket.destroy();
  }
});

panelTest(
  'the panel drains the balancer, then the replica, then the client, and shows who is still served',
  async ({ studio, home, page }) => {
    await studio.startEmpty();
    const file = join(home, 'index.html');
    writeFileSync(file, 'page'.repeat(1000));
    await studio.button('Add replica').click();
    await studio.dropFromDisk(studio.node('Replica1'), [file]);
    await studio.button('Add replica balancer').click();
    await studio.button('Add replica client').click();
    const names = ['Balancer1', 'Replica1', 'Reader1'];
    const startAll = async (): Promise<void> => {
      await studio.button('Start all').click();
      for (const name of names) await studio.expectState(name, 'running');
      await expect(studio.node('Balancer1')).toContainText('1/1 up');
    };
    const halfServedByReplica = async (): Promise<Socket> => {
      await studio.select('Replica1');
      await studio.openInspectorTab('Config');
      return halfServed(Number(await studio.inspector.getByLabel('Port', { exact: true }).inputValue()));
    };
    const drainAll = async (): Promise<void> => {
      await studio.node('Replica1').click();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.press('d');
      await page.keyboard.press('Escape');
    };

    await startAll();
    let client = await halfServedByReplica();
    await drainAll();
    await studio.expectState('Balancer1', 'stopped');
    await studio.expectState('Replica1', 'draining');
    await studio.expectState('Reader1', 'running');
    await expect(studio.node('Reader1')).toContainText('Waiting for Replica1 to be drained first');
    await studio.select('Replica1');
    await studio.openInspectorTab('Overview');
    const clients = studio.inspector.getByRole('region', { name: 'Clients' });
    await expect(clients).toContainText(/Draining\s*for .*; 1 client left/);
    await expect(clients.getByRole('listitem')).toContainText(`127.0.0.1:${client.localPort}`);
    await finish(client);
    for (const name of names) await studio.expectState(name, 'stopped');
    client.destroy();

    await startAll();
    client = await halfServedByReplica();
    await drainAll();
    await studio.expectState('Replica1', 'draining');
    await studio.act('Replica1', 'Stop');
    for (const name of names) await studio.expectState(name, 'stopped');
    client.destroy();
  },
);

function header(sequence: number, acknowledgement: number, flags: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(sequence, 0);
  bytes.writeUInt32LE(acknowledgement, 4);
  bytes.writeUInt32BE(flags, 8);
  return bytes;
}

/** A client that has asked and got the first packet. */
function halfServed(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(header(12_345, 0, 2)));
    socket.on('error', reject);
    socket.once('data', () => resolve(socket));
  });
}

function answer(socket: Socket, packet: number): Promise<void> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve());
    socket.write(header(12_345 + packet, 545 * packet, 4));
  });
}

/** Takes the rest of 4000 bytes, which are eight packets, and says goodbye. */
async function finish(socket: Socket): Promise<void> {
  for (let packet = 1; packet < 8; packet++) await answer(socket, packet);
  socket.write(header(12_353, 0, 5));
}

/** Resolves when nothing listens there any more. */
async function refused(port: number): Promise<void> {
  await expect(async () => {
    const taken = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    expect(taken).toBe(false);
  }).toPass();
}
