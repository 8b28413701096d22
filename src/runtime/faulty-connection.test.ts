/** What a connection holds on to when it is over, or its node has left it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { connected, hear, memoryWorld, RecordingMachine, realWorld, worlds } from '../faults/testing/worlds';
import type { Connection } from './context';
import { createFaultyContext } from './faulty-context';
import { Simulation } from './testing/simulation';

const AT = { host: '127.0.0.1', port: 7000 };
const HOUR = 3_600_000;

/** A node whose connections are reset at an age, and a neighbour to dial. */
async function resettable(accepted: (far: Connection) => void = () => {}) {
  const simulation = new Simulation();
  const machine = new RecordingMachine(() => simulation.clock.now());
  const { context, setFaults } = createFaultyContext(simulation.context('node'), machine);
  await simulation.context('neighbour').net.listen(AT, (far) => {
    hear(far);
    accepted(far);
  });
  const setReset = (after: number): void =>
    setFaults([{ id: 'f', kind: 'reset', node: 'node', scope: {}, params: { after }, enabled: true }]);
  return { simulation, context, setReset };
}

it('a connection tells its end to whoever takes it over', async () => {
  const world = realWorld();
  const { near, far, close } = await connected(world, 'node');
  const first = hear(near);
  hear(far);
  far.end();
  await world.until(() => first.ended);
  const second = hear(near);
  await world.until(() => second.ended);
  await close();
});

describe('a connection that is over', () => {
  it('leaves no timer behind', async () => {
    const { simulation, context, setReset } = await resettable((far) => far.destroy());
    setReset(HOUR);
    const heard = hear(await context.net.connect(AT));
    await simulation.advance(10);
    expect(heard.closed).toBe(true);
    expect(simulation.clock.pending).toBe(0);
  });

  it('is forgotten by the faults, also when one has ended it before the node listened to it', async () => {
    const { simulation, context, setReset } = await resettable();
    setReset(100);
    const near = await context.net.connect(AT);
    await simulation.advance(200);
    const heard = hear(near);
    await simulation.advance(10);
    expect(heard.error?.code).toBe('ECONNRESET');
    setReset(HOUR);
    expect(simulation.clock.pending).toBe(0);
  });
});

describe('a connection that its node has left', () => {
  it.each(worlds)('is told to be closed though a fault is set just then, %s', async (_name, make) => {
    const world = make();
    const { near, far, close } = await connected(world, 'node');
    const atNode = hear(near);
    hear(far);
    near.destroy();
    world.setFaults({ kind: 'partition' });
    expect(near.closed).toBe(true);
    await world.until(() => atNode.closed);
    await close();
  });

  it('keeps nothing of what the peer goes on sending, also where the node had stopped reading', async () => {
    const world = memoryWorld();
    const { near, far } = await connected(world, 'node');
    hear(near);
    hear(far);
    world.setFaults({ kind: 'black-hole', scope: { direction: 'out' } });
    near.pause();
    near.destroy();
    await world.pass(1);
    const before = heap();
    for (let n = 0; n < 15_000; n++) far.write('small enough to lie in the heap itself');
    await world.pass(1);
    expect(heap() - before).toBeLessThan(2_000_000);
    near.resume();
  });
});

/** Bytes of the heap after a full collection. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
