/** Peers as real processes: some die, hang or lie in the middle of a download, and it ends with the exact file. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { exited, freePort, type Programs, test } from './programs';

const NAME = 'big file.bin';
const bytes = Buffer.from(
  Uint32Array.from({ length: 3_000_000 }, (_, i) => Math.imul(i, 2_654_435_761)).buffer,
);
/** Bytes per second of each seeder: so slow that there is a middle of the download for things to happen in. */
const UPLOAD_LIMIT = '1000000';

type Peer = Awaited<ReturnType<typeof startPeer>>;

async function startPeer(programs: Programs, index: number, name: string, ...flags: string[]) {
  const folder = join(programs.folder, name);
  const logFile = join(programs.folder, `${name}.log`);
  mkdirSync(folder, { recursive: true });
  const own = String(await freePort());
  const place = ['127.0.0.1', String(index), own, folder];
  const terminal = await programs.startTerminal('p2p-peer', ...place, '--log-file', logFile, ...flags);
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  return { ...terminal, address: `127.0.0.1:${terminal.port}`, folder, log };
}

function startSeeder(programs: Programs, index: number, name: string, ...flags: string[]): Promise<Peer> {
  mkdirSync(join(programs.folder, name));
  writeFileSync(join(programs.folder, name, NAME), bytes);
  return startPeer(programs, index, name, '--upload-limit', UPLOAD_LIMIT, ...flags);
}

/** Types the download once the index knows that somebody has the file. */
async function download(peer: Peer): Promise<void> {
  await expect(() => {
    peer.type('get_files_list');
    expect(peer.said()).toContain(NAME);
  }).toPass();
  peer.type(`download ${NAME}`);
}

/** Pieces that the download would find again if it was killed now. */
function recordedPieces({ folder }: Peer): number {
  const record = join(folder, `.${NAME}.pieces`);
  if (!existsSync(record)) return 0;
  const map = Buffer.from(JSON.parse(readFileSync(record, 'utf8')).pieces as string, 'base64');
  return [...map].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}

async function expectDownloaded(peer: Peer): Promise<void> {
  await expect.poll(peer.said, { timeout: 60_000 }).toContain('verified: size and every piece (SHA-256)');
  expect(readFileSync(join(peer.folder, NAME)).equals(bytes)).toBe(true);
  // Nothing unfinished is left.
  expect(readdirSync(peer.folder).filter((name) => name.includes(NAME))).toEqual([NAME]);
}

test('a download survives that one seeder is killed, one hangs and one sends wrong bytes, and says so', async ({
  programs,
}) => {
  const index = (await programs.start('p2p-index', '127.0.0.1', String(await freePort()))).port;
  const killed = await startSeeder(programs, index, 'killed');
  const hung = await startSeeder(programs, index, 'hung');
  const corrupting = await startSeeder(programs, index, 'corrupting', '--fault', 'corrupt:every=50000');
  await startSeeder(programs, index, 'good');
  const peer = await startPeer(programs, index, 'downloader', '--timeout-ms', '2000');
  await download(peer);
  await expect.poll(() => recordedPieces(peer)).toBeGreaterThan(0);
  killed.child.kill('SIGKILL');
  hung.child.kill('SIGSTOP');
  await expectDownloaded(peer);
  expect(peer.log()).toMatch(
    new RegExp(`Source ${killed.address} of ${NAME} is lost: .+ The others go on\\.`),
  );
  expect(peer.log()).toMatch(
    new RegExp(`Source ${hung.address} of ${NAME} is lost: it sent nothing for \\d+ ms`),
  );
  expect(peer.log()).toContain(`Source ${corrupting.address} sent a wrong piece of ${NAME}`);
});

test('a download that was killed goes on where it was', async ({ programs }) => {
  const index = (await programs.start('p2p-index', '127.0.0.1', String(await freePort()))).port;
  await startSeeder(programs, index, 'one');
  await startSeeder(programs, index, 'two');
  const before = await startPeer(programs, index, 'downloader');
  await download(before);
  await expect.poll(() => recordedPieces(before)).toBeGreaterThan(4);
  before.child.kill('SIGKILL');
  await exited(before.child);
  const pieces = recordedPieces(before);
  const after = await startPeer(programs, index, 'downloader');
  await download(after);
  await expectDownloaded(after);
  expect(after.log()).toMatch(new RegExp(`goes on where it was: ${pieces} of \\d+ pieces were there`));
});

test('at a terminal, names with spaces are completed, and the prompt is not written over', async ({
  programs,
}) => {
  test.skip(process.platform !== 'linux', 'The terminal is that of util-linux.');
  const index = (await programs.start('p2p-index', '127.0.0.1', String(await freePort()))).port;
  await startSeeder(programs, index, 'seeder', '--upload-limit', '0');
  const folder = join(programs.folder, 'mine');
  mkdirSync(folder);
  writeFileSync(join(folder, 'own file.txt'), 'own');
  const own = String(await freePort());
  const peer = await programs.startAtTty('p2p-peer', '127.0.0.1', String(index), own, folder);
  const press = async (keys: string, shown: string): Promise<void> => {
    const before = peer.shown().length;
    peer.press(keys);
    await expect.poll(() => peer.shown().slice(before)).toContain(shown);
  };
  // A line of the log comes above the prompt, which is shown again below it.
  await expect.poll(peer.shown).toMatch(/own file\.txt is shared \(3 B\)\.\r\n[^\r\n]+peer> /);
  await press('hel\t', 'help');
  await press('\r', 'Delete one of your own files');
  await expect
    .poll(async () => {
      const before = peer.shown().length;
      peer.press('get_files_list\r');
      await expect.poll(() => peer.shown().slice(before)).toContain('peer> ');
      return peer.shown().slice(before);
    })
    .toContain(NAME);
  await press('dow\t', 'download ');
  await press('big\t', 'big file.bin');
  await press('\r', 'verified: size and every piece (SHA-256)');
  await press('delete o\t', 'delete own file.txt');
  await press('\r', 'own file.txt is deleted.');
  await press('\u001b[A\u001b[A', 'peer> download big file.bin');
  expect(readdirSync(folder).filter((name) => name.endsWith('.txt'))).toEqual([]);
  // Ctrl-U empties the line; Ctrl-D at an empty one ends the peer.
  peer.press('\u0015\u0004');
  expect(await exited(peer.child)).toBe(0);
});
