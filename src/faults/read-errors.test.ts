import { describe, expect, it } from 'vitest';
import { worlds } from './testing/worlds';

describe.each(worlds)('read errors, %s', (_name, make) => {
  it('fail the share of reads that is set', async () => {
    const world = make();
    const folder = await world.node.files.folder('/files');
    const made = await folder.create('a');
    await made.write(Buffer.from('content'), 0);
    await made.close();
    const file = await folder.open('a');
    const into = new Uint8Array(7);
    world.setFaults({ kind: 'read-errors', params: { percent: 30 } });
    let failed = 0;
    for (let n = 0; n < 200; n++) {
      await file.read(into, 0).catch((error) => {
        expect(error.code).toBe('EIO');
        failed++;
      });
    }
    // 60 are expected, σ = 6.5.
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
    world.setFaults();
    expect(await file.read(into, 0)).toBe(7);
    await file.close();
  });
});
