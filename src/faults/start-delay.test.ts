import { describe, expect, it } from 'vitest';
import { worlds } from './testing/worlds';

describe.each(worlds)('slow start, %s', (_name, make) => {
  it('opens ports late, or at once when it is healed', async () => {
    const world = make();
    const at = { host: '127.0.0.1', port: 0 };
    world.setFaults({ kind: 'start-delay', params: { delay: 30 } });
    const startedAt = world.node.clock.now();
    let listening = false;
    const first = world.node.net
      .listen(at, () => {})
      .finally(() => {
        listening = true;
      });
    await world.until(() => listening);
    expect(world.node.clock.now() - startedAt).toBeGreaterThanOrEqual(29);
    world.setFaults({ kind: 'start-delay', params: { delay: 600_000 } });
    const second = world.node.net.bind(at, () => {});
    await world.pass(5);
    world.setFaults();
    await (await first).close();
    await (await second).close();
  });
});
