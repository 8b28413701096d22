/** The ring with real processes: the seed's command lines and messages, kill, hang and drain. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { test as panelTest } from './fixtures';
import { StudioPage } from './pages/studio-page';
import { exchange, exited, freePort, type Programs, test } from './programs';

interface Member {
  child: Awaited<ReturnType<Programs['start']>>['child'];
  port: number;
}

const put = (port: number, item: string, content: string): Promise<string> =>
  exchange(port, JSON.stringify({ type: 'PUT', data: { item, content } }));
const get = async (port: number, item: string): Promise<string> =>
  JSON.parse(await exchange(port, JSON.stringify({ type: 'GET', data: item }))).data.content;
const stored = (item: string): string => `{"type":"PUT","data":{"item":"${item}","status":"200 OK"}}`;

async function ring(programs: Programs, size: number): Promise<Member[]> {
  const members: Member[] = [];
  for (let n = 0; n < size; n++) {
    const before = members.at(-1);
    const prev = before ? ['--prev-ip', '127.0.0.1', '--prev-port', String(before.port)] : [];
    members.push(await programs.start('ring', '--port', String(await freePort()), ...prev));
  }
  // Whole when what is put at the first is at all.
  await expect(async () => {
    await put(members[0]?.port as number, 'whole', 'yes');
    for (const { port } of members) {
      expect(readFileSync(join(programs.folder, `ring-${port}`, 'whole'), 'utf8')).toBe('yes');
    }
  }).toPass();
  return members;
}

test('files go round and survive a kill -9, and a member that returns gets what it missed', async ({
  programs,
}) => {
  const [a, b, c] = (await ring(programs, 3)) as [Member, Member, Member];
  expect(await put(a.port, 'a', '1')).toBe(stored('a'));
  expect(await get(c.port, 'a')).toBe('1');
  b.child.kill('SIGKILL');
  expect(await put(c.port, 'missed', '2')).toBe(stored('missed'));
  expect(await get(a.port, 'missed')).toBe('2');
  await exited(b.child);
  await programs.start('ring', '--port', String(b.port), '--prev-port', String(a.port));
  await expect.poll(() => get(b.port, 'missed')).toBe('2');
  expect(readFileSync(join(programs.folder, `ring-${b.port}`, 'a'), 'utf8')).toBe('1');
});

test('a member that hangs is passed over, and catches up when it goes on', async ({ programs }) => {
  const [a, b] = (await ring(programs, 3)) as [Member, Member, Member];
  b.child.kill('SIGSTOP');
  expect(await put(a.port, 'while-away', 'x')).toBe(stored('while-away'));
  b.child.kill('SIGCONT');
  await expect.poll(() => get(b.port, 'while-away')).toBe('x');
});

test('a client puts and gets files of any bytes, and a dropped file is soon everywhere', async ({
  programs,
}) => {
  const [a, b] = (await ring(programs, 2)) as [Member, Member];
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255));
  writeFileSync(join(programs.folder, 'photo.bin'), bytes);
  const sent = await programs.run(
    'ring-client',
    '-put',
    'photo.bin',
    '-i',
    '127.0.0.1',
    '-p',
    String(a.port),
  );
  expect(sent).toMatchObject({ code: 0, out: '200 OK\n' });
  const got = await programs.run('ring-client', '-get', 'photo.bin', '-p', String(b.port), '--out', 'got');
  expect(got.code).toBe(0);
  expect(readFileSync(join(programs.folder, 'got', 'photo.bin')).equals(bytes)).toBe(true);
  writeFileSync(join(programs.folder, `ring-${b.port}`, 'dropped'), 'here');
  await expect.poll(() => get(a.port, 'dropped')).toBe('here');
  const missing = await programs.run('ring-client', '-get', 'nothing', '-p', String(a.port));
  expect(missing.code).toBe(1);
  expect(missing.err).toContain('has "nothing"');
});

test('Ctrl-C takes a member out without a trace of trouble', async ({ programs }) => {
  const [a, b, c] = (await ring(programs, 3)) as [Member, Member, Member];
  b.child.kill('SIGINT');
  expect(await exited(b.child)).toBe(0);
  expect(await put(a.port, 'after', 'x')).toBe(stored('after'));
  expect(await get(c.port, 'after')).toBe('x');
});

interface Step {
  from: string;
  to: string;
  message: string;
  step: number;
}

panelTest(
  'the panel shows a message go from member to member, round to where it began',
  async ({ panel, page }) => {
    const steps: Step[] = [];
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        const { batch } = JSON.parse(String(payload));
        for (const { flows = [] } of batch?.events ?? [])
          for (const { from, to, hops = [] } of flows)
            for (const hop of hops) steps.push({ from, to, ...hop });
      });
    });
    await page.goto(panel.url);
    const studio = new StudioPage(page, panel);
    const names = ['Ring1', 'Ring2', 'Ring3'];
    await studio.startEmpty();
    for (const name of names) {
      await studio.button('Add ring member').click();
      await studio.act(name, 'Start');
      await studio.expectState(name, 'running');
    }
    for (const name of names) await expect(studio.node(name)).toContainText('3 in the ring');
    await page.keyboard.press('l');
    await expect.poll(() => studio.trafficDrawn()).toBe(false);

    steps.length = 0;
    const file = join(panel.home, 'round.txt');
    writeFileSync(file, 'round it goes');
    await studio.dropFromDisk(studio.node('Ring2'), [file]);
    // Often: what goes round is drawn for a moment only.
    await expect.poll(() => studio.trafficDrawn(), { intervals: [20] }).toBe(true);
    const journey = (): Step[] => {
      const first = steps.find(({ from, step }) => from === 'ring2' && step === 1);
      return steps.filter(({ message }) => message === first?.message).sort((a, b) => a.step - b.step);
    };
    await expect.poll(() => journey().map(({ step }) => step)).toEqual([1, 2, 3]);
    const path = journey();
    expect(new Set(path.map(({ from }) => from)).size).toBe(3);
    for (const [index, { to }] of path.entries()) expect(to).toBe(path[(index + 1) % 3]?.from);
    await expect.poll(() => studio.trafficDrawn()).toBe(false);
  },
);
