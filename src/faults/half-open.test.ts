import { describe, expect, it } from 'vitest';
import type { Clock } from '../runtime/context';
import { createFaultyContext } from '../runtime/faulty-context';
import { Simulation } from '../runtime/testing/simulation';
import { connected, hear, memoryWorld, RecordingMachine, worlds } from './testing/worlds';

describe.each(worlds)('half-open, %s', (_name, make) => {
  it('takes the connection from the far end and does not tell the near one, until it is healed', async () => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    const atNeighbour = hear(far);
    world.setFaults({ kind: 'half-open' });
    await world.until(() => atNeighbour.closed);
    near.write('into the void');
    await world.pass(20);
    expect(atNode.closed).toBe(false);
    expect(near.closed).toBe(false);
    world.setFaults();
    await world.until(() => atNode.closed);
    expect(atNode.error?.code).toBe('ECONNRESET');
    await close();
  });
});

describe('half-open after a while', () => {
  it('tells of a connection that closes before, as it closed', async () => {
    const world = memoryWorld();
    world.setFaults({ kind: 'half-open', params: { after: 10_000 } });
    const { near, far } = await connected(world, 'node');
    const atNode = hear(near);
    hear(far);
    near.end();
    far.end();
    await world.pass(100);
    expect(atNode).toMatchObject({ ended: true, closed: true });
    expect(atNode.error).toBeUndefined();
  });

  it('is no clean close when its timer comes an instant too early', async () => {
    const simulation = new Simulation();
    const parts = simulation.context('node');
    const clock: Clock = { ...parts.clock, after: (ms, run) => parts.clock.after(ms - 0.4, run) };
    const machine = new RecordingMachine(() => clock.now());
    const { context, setFaults } = createFaultyContext({ ...parts, clock }, machine);
    const at = { host: '127.0.0.1', port: 7000 };
    await simulation.context('neighbour').net.listen(at, (far) => hear(far));
    const params = { after: 100 };
    setFaults([{ id: 'f', kind: 'half-open', node: 'node', scope: {}, params, enabled: true }]);
    const atNode = hear(await context.net.connect(at));
    await simulation.advance(200);
    expect(atNode.closed).toBe(false);
    setFaults([]);
    await simulation.advance(10);
    expect(atNode.error?.code).toBe('ECONNRESET');
  });
});
