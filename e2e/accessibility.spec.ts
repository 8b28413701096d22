/** What a machine can find of WCAG 2.2, levels A and AA (contrast, names, roles), in both themes. */
import axe from 'axe-core';
import { expect, test } from './fixtures';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

for (const theme of ['light', 'dark'] as const) {
  test(`no rule of accessibility is broken in the ${theme} theme`, async ({ studio }) => {
    const { page, inspector, dock, topology } = studio;
    const broken = (): Promise<string[]> =>
      page.evaluate(async (rules) => {
        const found = await (window as unknown as { axe: typeof axe }).axe.run({ runOnly: rules });
        return found.violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
        );
      }, RULES);

    // What fades in would have another contrast until it is there.
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.evaluate(axe.source);
    expect(await broken()).toEqual([]);
    await studio.buildSample();
    expect(await broken()).toEqual([]);

    await studio.node('CS1').click();
    for (const tab of await inspector.getByRole('tab').all()) {
      await tab.click();
      expect(await broken()).toEqual([]);
    }
    await inspector.getByRole('tab', { name: 'Faults' }).click();
    await studio.addFault('Latency');
    await studio.act('CS2', 'Kill');
    await studio.expectState('CS2', 'crashed');
    expect(await broken()).toEqual([]);
    for (const tab of await dock.getByRole('tab').all()) {
      await tab.click();
      expect(await broken()).toEqual([]);
    }
    await topology.getByText('Table', { exact: true }).click();
    expect(await broken()).toEqual([]);

    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog', { name: 'Search' })).toBeVisible();
    expect(await broken()).toEqual([]);
    await page.keyboard.press('Escape');
    for (const dialog of ['Settings', 'Keyboard shortcuts']) {
      await studio.button(dialog).click();
      await expect(page.getByRole('dialog', { name: dialog })).toBeVisible();
      expect(await broken()).toEqual([]);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toBeHidden();
    }
  });
}
