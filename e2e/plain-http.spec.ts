/** The panel in a browser that reached it over plain http from another machine: no secure context, so less to use. */
import { test as base, expect } from './fixtures';
import { StudioPage } from './pages/studio-page';

const test = base.extend({
  studio: async ({ panel, page }, use) => {
    await page.addInitScript(() => {
      Object.defineProperty(window, 'isSecureContext', { value: false });
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
      Object.defineProperty(crypto, 'randomUUID', { value: undefined });
      // Safari has none in any context.
      delete (window as Partial<Window>).requestIdleCallback;
    });
    await page.goto(panel.url);
    await use(new StudioPage(page, panel));
  },
});

test('faults can be added there, and a log copied', async ({ studio }) => {
  await studio.buildSample();
  await studio.select('CS1');
  await studio.openInspectorTab('Faults');
  await studio.addFault('Latency');
  await expect(studio.faultBanner).toContainText('1 active fault');

  await studio.openInspectorTab('Logs');
  const search = studio.inspector.getByRole('searchbox', { name: 'Search the log' });
  await expect(studio.inspector.getByRole('log')).toContainText('info');
  await studio.inspector.getByRole('button', { name: 'Copy log' }).click();
  await expect(studio.toast('Log copied')).toBeVisible();
  await search.focus();
  await studio.page.keyboard.press('ControlOrMeta+v');
  await expect(search).toHaveValue(/ info /);
});
