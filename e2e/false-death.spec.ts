/** One lost heartbeat in five, and a detector that does not ask twice: a healthy server dies, and the journal says why. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './network';
import { exchange } from './programs';

// The seed's proportions (a beat every 3 s, dead after 8), ten times as fast.
test.use({ network: { heartbeatMs: 300, timeoutMs: 800, strict: true, monitorPort: 6000 } });

/** With it the second heartbeat from now on is lost, and the fourth to the tenth. */
const UNLUCKY_SEED = 656_242;

test('false death: the story from the lost heartbeats to the return, each step tied to the one before', async ({
  studio,
  home,
}) => {
  // A client that asks again and again.
  const { nodes } = JSON.parse(readFileSync(join(home, 'quick.json'), 'utf8'));
  const { tcpPort } = nodes.find(({ id }: { id: string }) => id === 'index1').config;
  let asking = true;
  const client = (async () => {
    while (asking) {
      await exchange(tcpPort, 'GET both.txt\n', '\n');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();

  await studio.breakNode('CS1', 'Preset', 'False death');
  await expect(studio.linkBadge(/Loss/)).toContainText('20 % loss');
  await studio.openLink('CS1', 'Monitor1');
  await studio.inspector.getByRole('button', { name: /^Narrowed: .*HEARTBEAT/ }).click();
  await studio.setFigure('Seed', UNLUCKY_SEED);
  await studio.openDock('Journal');
  await studio.dock.getByLabel('Search the journal').fill('since CS1 is dead');
  const rerouted = studio.dock.getByRole('row').filter({ hasText: 'A lookup of both.txt went to CS2' });
  await expect(rerouted.first()).toBeVisible();
  await studio.expectState('CS1', 'running');

  asking = false;
  await client;
  await studio.button('Heal all').click();
  await expect(studio.node('Index1')).toContainText('2/2 alive');

  await rerouted.first().click();
  const story = studio.dock.getByRole('region', { name: 'Causes and effects' });
  for (const step of [
    /Loss \(20 % loss\) from CS1 to Monitor1 was set/,
    /\d+ of \d+ HEARTBEAT datagrams were lost from CS1 to Monitor1/,
    /No heartbeat from CS1 for/,
    /CS1 is dead: no heartbeat for .* SERVER_DOWN goes to the index/,
    /CS1 is not routed to any more: the monitor sent SERVER_DOWN/,
    /A lookup of both\.txt went to CS2, since CS1 is dead/,
    /CS1 is back: heartbeats resumed/,
    // By the monitor, or by CS1 itself: one that notices that it stood still registers again.
    /CS1 is (routed to again:|registered at) .* had gone elsewhere/,
    /Loss \(20 % loss\) from CS1 to Monitor1 was healed/,
  ])
    await expect(story.getByRole('button', { name: step }).first()).toBeVisible();

  // Each step leads to the same story: from its end one sees its beginning.
  await story.getByRole('button', { name: /was healed/ }).click();
  await expect(story.getByRole('button', { name: /was set/ })).toBeVisible();
});
