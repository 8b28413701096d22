import { describe, expect, it } from 'vitest';
import { memoryWorld, worlds } from './testing/worlds';

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

it('makes a start late once, however many ports are opened, and none that is opened after it', async () => {
  const world = memoryWorld();
  world.setFaults({ kind: 'start-delay', params: { delay: 1000 } });
  const at = { host: '127.0.0.1', port: 0 };
  let opened = 0;
  const start = async (): Promise<void> => {
    await world.node.net.listen(at, () => {});
    opened++;
    await world.node.net.bind(at, () => {});
    opened++;
  };
  const started = start();
  await world.pass(999);
  expect(opened).toBe(0);
  await world.pass(1);
  expect(opened).toBe(2);
  await started;
  await world.pass(60_000);
  void world.node.net.bind(at, () => {}).then(() => opened++);
  await world.pass(1);
  expect(opened).toBe(3);
});
