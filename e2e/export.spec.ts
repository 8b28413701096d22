/** What is shown can be saved: tables as CSV, pictures as SVG and PNG. */
import { readFileSync } from 'node:fs';
import { expect, test } from './fixtures';

test('the topology, the nodes and the files of the network are saved as files', async ({ studio }) => {
  await studio.buildSample();
  const picture = readFileSync(await studio.save('Export this picture', 'SVG'), 'utf8');
  expect(picture).toMatch(/^<svg xmlns=.*>heartbeat<.*>CS1<.*<\/svg>$/s);
  expect(picture).not.toContain('var(');
  const png = readFileSync(await studio.save('Export this picture', 'PNG'));
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');

  await studio.topology.getByText('Table', { exact: true }).click();
  const nodes = readFileSync(await studio.save('Export the nodes'), 'utf8');
  expect(nodes).toMatch(/^Name,Kind,State,Figures,Ports,.*\r\n/);
  expect(nodes).toMatch(/\r\nMonitor1,Health monitor,Running,/);

  await studio.openDock('All files');
  await expect(studio.dock.getByRole('row').filter({ hasText: 'hello.txt' })).toBeVisible();
  const files = readFileSync(await studio.save('Export all files'), 'utf8');
  expect(files).toMatch(/\r\nhello\.txt,\d+,CS[12]/);
});

test('messages are saved as they are shown, charts with their figures', async ({ studio }) => {
  await studio.buildSample();
  await studio.openDock('Messages');
  await studio.dock.getByText('Diagram', { exact: true }).click();
  await expect(studio.arrow(/HEARTBEAT/).first()).toBeAttached();
  const diagram = readFileSync(await studio.save('Export this diagram', 'SVG'), 'utf8');
  expect(diagram).toContain('HEARTBEAT');
  await studio.dock.getByText('List', { exact: true }).click();
  const lines = readFileSync(await studio.save('Export these messages'), 'utf8').split('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ transport: expect.any(String) });

  await studio.openDock('Metrics');
  await expect(studio.chart('Throughput')).toBeVisible();
  const chart = readFileSync(await studio.save('Export the chart Throughput', 'SVG'), 'utf8');
  expect(chart).toMatch(/Throughput.*<path d="M/s);
  expect(readFileSync(await studio.save('Export the metrics'), 'utf8')).toMatch(
    /^Time,Metric,Of,Value,Unit\r\n\d{4}-.*Z,Throughput,All,[\d.]+,B\/s\r\n/,
  );
});
