/** What a connection holds on to when it is over, or its node has left it. */
import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../contract/fault';
import { hear, RecordingMachine } from '../faults/testing/worlds';
import { createFaultyContext } from './faulty-context';
import { Simulation } from './testing/simulation';

describe('a connection that is over', () => {
  it('leaves no timer behind', async () => {
    const simulation = new Simulation();
    const machine = new RecordingMachine(() => simulation.clock.now());
    const { context, setFaults } = createFaultyContext(simulation.context('node'), machine);
    const at = { host: '127.0.0.1', port: 7000 };
    await simulation.context('neighbour').net.listen(at, (far) => {
      hear(far);
      far.destroy();
    });
    const params = { after: 3_600_000 };
    const reset: FaultSpec = { id: 'f', kind: 'reset', node: 'node', scope: {}, params, enabled: true };
    setFaults([reset]);
    const heard = hear(await context.net.connect(at));
    await simulation.advance(10);
    expect(heard.closed).toBe(true);
    expect(simulation.clock.pending).toBe(0);
  });
});
