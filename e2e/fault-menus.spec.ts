/**
 * The ten faults that the context menu of a node offers, and the ten of a link: each is set through that very menu, and
 * what a person then sees is looked at. Nothing is measured: delays are so long that a download waits until they are
 * healed, and a rate is the one that the panel shows.
 */
import { expect, test } from './network';
import type { StudioPage } from './pages/studio-page';

/** Bytes per second, as the newest transfer of the file shows them. */
async function shownRate(studio: StudioPage, name: string): Promise<number> {
  const text = await studio.transfer(name).innerText();
  const [, figure, unit] = /([\d.]+) (B|KiB|MiB)\/s/.exec(text) ?? [];
  return Number(figure) * ({ B: 1, KiB: 1024, MiB: 1024 ** 2 }[unit as 'B' | 'KiB' | 'MiB'] ?? Number.NaN);
}

async function healAll(studio: StudioPage): Promise<void> {
  await studio.button('Heal all').click();
  await expect(studio.faultBanner).toBeHidden();
}

/** A download that the present fault holds back, and that comes in whole and verified once it is healed. */
async function isHeldUntilHealed(studio: StudioPage, name: string): Promise<void> {
  await studio.download(name);
  await expect(studio.transferIn(/waiting|running/, name)).toBeVisible();
  await healAll(studio);
  await expect(studio.transferIn(/done/, name)).toContainText('verified');
}

test.describe('what holds a file back or damages it', () => {
  // Nobody is declared dead here.
  test.use({ network: { timeoutMs: 300_000 } });

  test('by the menu of a node', async ({ studio }) => {
    await test.step('slow answers: it waits, while the server looks healthy', async () => {
      await studio.breakNode('CS1', 'Break', 'Slow answers');
      await studio.setFigure('Delay', 600_000);
      await expect(studio.node('CS1')).toContainText('answers +600000 ms');
      await studio.expectState('CS1', 'running');
      await isHeldUntilHealed(studio, 'one.txt');
    });

    await test.step('latency: what was on its way arrives at once when it is healed', async () => {
      await studio.breakNode('CS1', 'Break', 'Latency');
      await studio.setFigure('Delay', 60_000);
      await expect(studio.node('CS1')).toContainText('60000 ms');
      await isHeldUntilHealed(studio, 'one.txt');
    });

    await test.step('partition: nothing passes', async () => {
      await studio.breakNode('Client1', 'Break', 'Partition');
      await expect(studio.node('Client1')).toContainText('cut');
      await isHeldUntilHealed(studio, 'one.txt');
    });

    await test.step('freeze: the process stands still', async () => {
      await studio.breakNode('CS1', 'Break', 'Freeze');
      await studio.expectState('CS1', 'hung');
      await isHeldUntilHealed(studio, 'one.txt');
      await studio.expectState('CS1', 'running');
    });

    await test.step('slow disk: the file comes at the rate of the disk', async () => {
      await studio.breakNode('CS1', 'Break', 'Slow disk');
      await studio.setFigure('Rate', 1);
      await expect(studio.node('CS1')).toContainText('disk 1 MB/s');
      await studio.download('one.bin');
      await expect.poll(() => shownRate(studio, 'one.bin')).toBeGreaterThan(300_000);
      expect(await shownRate(studio, 'one.bin')).toBeLessThan(3_000_000);
      await healAll(studio);
      await expect(studio.transferIn(/done/, 'one.bin')).toContainText('hash verified');
    });

    await test.step('wrong content: it is noticed, named, and never kept', async () => {
      await studio.breakNode('CS1', 'Break', 'Wrong content');
      await expect(studio.node('CS1')).toContainText('1 wrong byte in 1000');
      await studio.download('one.bin');
      await expect(studio.transfer('one.bin')).toContainText(/CS1: the (hash|bytes) .*/);
      await studio.openDock('Journal');
      await expect(studio.dock.getByText(/one\.bin from CS1 is thrown away/).first()).toBeVisible();
      await studio.openDock('Transfers');
      await expect(studio.transfer('one.bin')).not.toContainText('verified');
      await healAll(studio);
      await expect(studio.transferIn(/done/, 'one.bin')).toContainText('hash verified');
    });

    await test.step('disk full: the download says so, and can be tried again', async () => {
      await studio.breakNode('Client1', 'Break', 'Disk full');
      await expect(studio.node('Client1')).toContainText('disk full');
      await studio.download('one.txt');
      await expect(studio.transferIn(/failed/, 'one.txt')).toContainText(/no space|disk is full/i);
      await healAll(studio);
      await studio.button('Retry: one.txt').click();
      await expect(studio.transferIn(/done/, 'one.txt')).toBeVisible();
    });

    await test.step('crash on the next request: it dies of the download, which goes on when it is back', async () => {
      await studio.breakNode('CS1', 'Break', 'Crash on the next request');
      await expect(studio.node('CS1')).toContainText('crashes on request');
      await studio.download('one.txt');
      await studio.expectState('CS1', 'crashed');
      await expect(studio.transferIn(/waiting/, 'one.txt')).toContainText('CS1');
      // It was the process that was broken: the next one is sound.
      await expect(studio.faultBanner).toBeHidden();
      await studio.act('CS1', 'Start');
      await expect(studio.transferIn(/done/, 'one.txt')).toContainText('verified');
    });

    await test.step('CPU burn: the processor is busy', async () => {
      await studio.breakNode('CS1', 'Break', 'CPU burn');
      await studio.openInspectorTab('Overview');
      await expect(studio.inspector.getByText(/^(1[5-9]|[2-9]\d|1\d\d) % of a core/)).toBeVisible();
      await studio.act('CS1', 'Heal');
      await expect(studio.faultBanner).toBeHidden();
    });
  });

  test('by the menu of a link', async ({ studio }) => {
    // The way to a server that holds a file is drawn while there is traffic, and some seconds longer.
    for (const [fault, figure, least, most] of [
      ['Bandwidth', 'Rate', 50_000, 200_000],
      ['Small segments', 'Size', 5_000, 60_000],
    ] as const) {
      await test.step(`${fault}: the file comes at that rate`, async () => {
        await expect(async () => {
          await studio.download('one.txt');
          await expect(studio.transferIn(/done/, 'one.txt')).toBeVisible();
          await studio.breakLink('Client1', 'CS1', fault, 2000);
        }).toPass();
        await studio.setFigure(figure, 100);
        await expect(studio.linkBadge(new RegExp(fault))).toContainText('100');
        await studio.download('one.bin');
        await expect.poll(() => shownRate(studio, 'one.bin')).toBeGreaterThan(least);
        expect(await shownRate(studio, 'one.bin')).toBeLessThan(most);
        await healAll(studio);
        await expect(studio.transferIn(/done/, 'one.bin')).toContainText('hash verified');
      });
    }

    for (const [fault, badge] of [
      ['Partition', 'cut'],
      ['Black hole', 'black hole'],
    ] as const) {
      await test.step(`${fault}: the index is not heard`, async () => {
        await studio.breakLink('Client1', 'Index1', fault);
        await expect(studio.linkBadge(new RegExp(fault))).toContainText(badge);
        await isHeldUntilHealed(studio, 'both.txt');
      });
    }

    await test.step('latency: the answer of the index is on its way', async () => {
      await studio.breakLink('Client1', 'Index1', 'Latency');
      await studio.setFigure('Delay', 60_000);
      await expect(studio.linkBadge(/Latency/)).toContainText('60000 ms');
      await isHeldUntilHealed(studio, 'both.txt');
    });

    for (const [fault, badge, said] of [
      ['Refuse', 'refused', /index cannot be asked: nothing listens there/],
      ['Reset', 'reset', /index cannot be asked: it broke the connection/],
    ] as const) {
      await test.step(`${fault}: the download says why it waits`, async () => {
        await studio.breakLink('Client1', 'Index1', fault);
        await expect(studio.linkBadge(new RegExp(fault))).toContainText(badge);
        await studio.download('both.txt');
        await expect(studio.transferIn(/waiting/, 'both.txt')).toContainText(said);
        await healAll(studio);
        await expect(studio.transferIn(/done/, 'both.txt')).toContainText('verified');
      });
    }

    await test.step('corruption: nothing is believed', async () => {
      await studio.breakLink('Client1', 'Index1', 'Corruption');
      await studio.setFigure('One wrong byte in', 1);
      await expect(studio.linkBadge(/Corruption/)).toContainText(/1 wrong in 1$/);
      await isHeldUntilHealed(studio, 'both.txt');
    });
  });
});

test('what deceives the detector', async ({ studio }) => {
  const isDeclaredDeadUntilHealed = async (): Promise<void> => {
    await expect(studio.node('Monitor1')).toContainText('1/2 alive');
    await studio.expectState('CS1', 'running');
    await healAll(studio);
    await expect(studio.node('Monitor1')).toContainText('2/2 alive');
  };

  await test.step('clock drift: a slow clock beats late', async () => {
    await studio.breakNode('CS1', 'Break', 'Clock skew and drift');
    await studio.setFigure('Drift', -90);
    await expect(studio.node('CS1')).toContainText('−90 %');
    await isDeclaredDeadUntilHealed();
  });

  await test.step('loss: heartbeats are missed', async () => {
    await studio.breakLink('CS1', 'Monitor1', 'Loss');
    await studio.setFigure('Lost', 100);
    await expect(studio.linkBadge(/Loss/)).toContainText('100 % loss');
    await expect(studio.inspector.getByText(/of \d+ datagrams lost so far/)).toBeVisible();
    await isDeclaredDeadUntilHealed();
  });

  await test.step('partition: nothing of it is heard at all', async () => {
    await studio.breakLink('CS1', 'Monitor1', 'Partition');
    await isDeclaredDeadUntilHealed();
  });

  await test.step('each time the index was told, though the server was healthy', async () => {
    await studio.openDock('Journal');
    await studio.dock.getByLabel('Search the journal').fill('CS1 is not routed to any more');
    const told = studio.dock.getByRole('row').filter({ hasText: 'the monitor sent SERVER_DOWN' });
    await expect.poll(() => told.count()).toBeGreaterThanOrEqual(3);
  });

  await test.step('duplication: the monitor counts more heartbeats than were sent', async () => {
    await studio.breakLink('CS1', 'Monitor1', 'Duplication');
    await studio.setFigure('Duplicated', 100);
    await studio.setFigure('Copies', 3);
    await expect(studio.linkBadge(/Duplication/)).toContainText('100 % twice');
    await studio.select('Monitor1');
    await studio.openInspectorTab('Overview');
    const counted = async (server: string): Promise<number> => {
      const line = studio.inspector.getByRole('listitem').filter({ hasText: server });
      return Number(/([\d,]+) heartbeats?/.exec(await line.innerText())?.[1]?.replace(',', ''));
    };
    await expect.poll(async () => (await counted('CS1')) - (await counted('CS2'))).toBeGreaterThan(20);
    await healAll(studio);
  });
});
