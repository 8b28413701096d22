/** Programs that are not ours, and the relay that lets their links be broken: put there and taken away by the menu. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPanel } from './fixtures';
import { test as base, expect, networkRuns, writeNetwork } from './network';
import { StudioPage } from './pages/studio-page';
import { exchange, exited, freePort, Programs } from './programs';

const test = base.extend<{ programs: Programs }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of the fixtures from the pattern.
  programs: async ({}, use) => {
    const programs = new Programs();
    await use(programs);
    programs.close();
  },
});

interface Saved {
  nodes: { id: string; config: Record<string, unknown> }[];
}

/** The workspace as it is on the disk. */
function saved(home: string): Saved {
  return JSON.parse(readFileSync(join(home, 'quick.json'), 'utf8'));
}

function configOf(home: string, id: string): Record<string, unknown> {
  const node = saved(home).nodes.find((each) => each.id === id);
  if (!node) throw new Error(`There is no ${id} in the workspace.`);
  return node.config;
}

test('a foreign server behind a relay: its registration is held, and its heartbeats are lost', async ({
  studio,
  home,
  programs,
}) => {
  const indexPort = Number(configOf(home, 'index1').tcpPort);
  const monitorPort = Number(configOf(home, 'monitor1').udpPort);
  const [tcpPort, udpPort] = [await freePort(), await freePort()];
  const theirs = `127.0.0.1:${tcpPort}`;
  const launch = (index: number, monitor: number) =>
    programs.start(
      ...[
        'content',
        '--files',
        programs.folder,
        '--server-id',
        'THEIRS',
        '--strict',
        '--heartbeat-ms',
        '300',
      ],
      ...['--tcp-port', `${tcpPort}`, '--udp-port', `${udpPort}`],
      ...['--index-port', `${index}`, '--monitor-udp-port', `${monitor}`],
    );
  const first = await launch(indexPort, monitorPort);
  await expect(studio.link(theirs, 'Index1')).toBeVisible();
  await expect(studio.link(theirs, 'Monitor1')).toBeVisible();

  /** Puts a relay on the link of a node of ours, and reads from its overview what the program has to use. */
  const putRelay = async (name: string, node: string, transport: 'TCP' | 'UDP'): Promise<number> => {
    await studio.actOnLink(theirs, node, 'Put a relay on this link');
    await expect(studio.toast(`${name} waits for ${theirs}`)).toBeVisible();
    await studio.expectState(name, 'running');
    const way = studio.inspector.getByRole('region', { name: 'Way through' });
    const route = new RegExp(`${transport}127\\.0\\.0\\.1:(\\d+) → ${node}`);
    await expect(way).toContainText(route);
    return Number(
      route.exec((await way.innerText()).replace(/\s+/g, ' ').replace(`${transport} `, transport))?.[1],
    );
  };
  const relayedIndex = await putRelay('Relay1', 'Index1', 'TCP');
  const relayedMonitor = await putRelay('Relay2', 'Monitor1', 'UDP');
  await expect(studio.link(theirs, 'Index1')).toBeVisible();

  // As its owner would: with the addresses that the panel has told.
  first.child.kill('SIGKILL');
  await exited(first.child);
  await launch(relayedIndex, relayedMonitor);
  await expect(studio.link(theirs, 'Index1')).toBeHidden();
  await expect(studio.link(theirs, 'Monitor1')).toBeHidden();
  await expect(studio.link(theirs, 'Relay1')).toBeVisible();
  await expect(studio.node('Monitor1')).toHaveAccessibleDescription(/3\/3 alive/);

  await test.step('TCP: a partition holds what goes through the relay, and healing lets it through', async () => {
    await studio.actOnLink(theirs, 'Relay1', 'Break', 'Partition');
    await expect(studio.linkBadge(/Partition/)).toContainText('cut');
    await expect(studio.inspector.getByRole('heading', { name: 'Index1 – Relay1' })).toBeVisible();
    let answered = false;
    const answer = exchange(relayedIndex, 'HELLO\nGET one.txt\n').finally(() => {
      answered = true;
    });
    // Straight to the index it works meanwhile.
    expect(await exchange(indexPort, 'HELLO\nGET one.txt\n')).toContain(' CS1 ');
    expect(answered).toBe(false);
    await studio.button('Heal all').click();
    expect(await answer).toContain(' CS1 ');
  });

  await test.step('UDP: heartbeats lost behind the relay kill the foreign server, until it is healed', async () => {
    await studio.actOnLink('Relay2', 'Monitor1', 'Break', 'Loss');
    await studio.setFigure('Lost', 100);
    await expect(studio.node('Monitor1')).toHaveAccessibleDescription(/2\/3 alive/);
    await studio.button('Heal all').click();
    await expect(studio.node('Monitor1')).toHaveAccessibleDescription(/3\/3 alive/);
  });

  await test.step('removed, it is told what the program has to use again', async () => {
    await studio.actOnLink(theirs, 'Relay1', 'Remove relay');
    await expect(studio.toast(`${theirs} has to use 127.0.0.1:${indexPort} again.`)).toBeVisible();
    await expect(studio.node('Relay1')).toBeHidden();
  });
});

test('a link to a foreign monitor is led over a relay by itself, and back', async ({
  page,
  home,
  programs,
}) => {
  const udpPort = await freePort();
  const { port: tcpPort } = await programs.start(
    ...['monitor', '--no-index', '--udp-port', `${udpPort}`, '--tcp-port', `${await freePort()}`],
    ...['--timeout-ms', '1500', '--check-ms', '0'],
  );
  const theirs = `127.0.0.1:${udpPort}`;
  const file = await writeNetwork(home);
  const workspace = saved(home);
  for (const { id, config } of workspace.nodes)
    if (id === 'cs2') config.monitor = { host: '127.0.0.1', port: udpPort };
  writeFileSync(file, JSON.stringify(workspace));
  const panel = await startPanel(home, '--workspace', file);
  await page.goto(panel.url);
  const studio = new StudioPage(page, panel);
  await networkRuns(studio, { heard: 1 });
  /** Who is alive, in the words of the foreign monitor. */
  const status = async (): Promise<string> =>
    /^SERVER CS2 .* (\w+)$/m.exec(await exchange(tcpPort, 'LIST_SERVERS\n', 'END\n'))?.[1] ?? '';
  await expect.poll(status).toBe('alive');

  await studio.actOnLink(theirs, 'CS2', 'Put a relay on this link');
  await expect(studio.toast(/CS2 reaches .* over Relay1 now, and was restarted for it/)).toBeVisible();
  await expect(studio.link('CS2', 'Relay1')).toBeVisible();
  await expect(studio.link('Relay1', theirs)).toBeVisible();
  await expect(studio.node('Relay1')).toHaveAccessibleDescription(/1 sender/);
  await expect.poll(status).toBe('alive');

  await studio.actOnLink('Relay1', theirs, 'Break', 'Loss');
  await studio.setFigure('Lost', 100);
  await expect.poll(status).toBe('dead');
  await studio.button('Heal all').click();
  await expect.poll(status).toBe('alive');

  await studio.actOnLink('CS2', 'Relay1', 'Remove relay');
  await expect(studio.node('Relay1')).toBeHidden();
  await studio.expectState('CS2', 'running');
  await expect(studio.link('CS2', theirs)).toBeVisible();
  await expect.poll(status).toBe('alive');
  expect(await panel.stop()).toBe(0);
});
