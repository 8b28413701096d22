/** Live figures in the dock, as charts and as a table. */
import { expect, test } from './fixtures';

test('the metrics say what fills them while nothing has moved', async ({ studio }) => {
  await studio.startEmpty();
  await studio.openDock('Metrics');
  await expect(studio.dock).toContainText('Nothing has moved yet.');
});

test('traffic, latency and a detected death are charted, and told in a table', async ({ studio }) => {
  await studio.buildSample();
  await studio.openDock('Metrics');
  await expect(studio.chart('Throughput')).toHaveAccessibleName(/Now: All .+\/s.*Monitor1 .+\/s/);
  await studio.act('CS1', 'Kill');
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toBeVisible();

  // What was asked while another panel was open is in the first sample after it.
  await studio.openDock('Metrics');
  await expect(studio.chart('Latency')).toHaveAccessibleName(/p50 .+ms, p95 .+ms, p99 .+ms/);
  await expect(studio.chart('Detection time')).toHaveAccessibleName(
    /declared dead .+ s, SERVER_DOWN sent .+ s/,
  );

  await studio.dock.getByText('Table', { exact: true }).click();
  const row = (text: string) => studio.dock.getByRole('row').filter({ hasText: text });
  await expect(row('Detection time').first()).toContainText(/\d s/);
  await expect(row('Throughput').first()).toContainText(/B\/s/);
});
