import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RingWorld } from './testing/ring-world';

type Step =
  | { do: 'join'; at: number }
  | { do: 'kill' | 'freeze' | 'thaw' | 'restart'; who: number }
  | { do: 'put'; who: number; name: string }
  | { do: 'split'; mask: number }
  | { do: 'heal' }
  | { do: 'wait'; ms: number };

const index = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('join' as const), at: index }),
  fc.record({
    do: fc.constantFrom('kill' as const, 'freeze' as const, 'thaw' as const, 'restart' as const),
    who: index,
  }),
  fc.record({ do: fc.constant('put' as const), who: index, name: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('split' as const), mask: fc.integer({ min: 1, max: 254 }) }),
  fc.record({ do: fc.constant('heal' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 20, 300, 1000, 4000) }),
);

/**
 * Members that were in the ring from the beginning are never killed for good: a ring of which nobody is left who
 * knew the other half cannot find it again, by any protocol.
 */
const FOUNDERS = 3;

async function perform(world: RingWorld, steps: readonly Step[]): Promise<void> {
  let nextPort = 5000;
  let puts = 0;
  const side = new Map<number, number>();
  const ports = (): number[] => [...world.members.keys()];
  const pick = (n: number): number => ports()[n % ports().length] as number;
  for (const now of steps) {
    switch (now.do) {
      case 'join': {
        const at = pick(now.at);
        side.set(nextPort, side.get(at) ?? 0);
        await world.start(nextPort++, at);
        break;
      }
      case 'kill': {
        const port = pick(now.who);
        // Somebody may be waiting to be let in by it, and would wait for ever.
        const awaited = ports().some((other) => world.snapshot(other).state === 'joining');
        if (port >= 5000 && !awaited) {
          world.weather.thaw(port);
          world.kill(port);
        }
        break;
      }
      case 'restart':
        await world.restart(pick(now.who));
        break;
      case 'freeze':
        world.weather.freeze(pick(now.who));
        break;
      case 'thaw':
        world.weather.thaw(pick(now.who));
        break;
      case 'put':
        world.simulation.files.at(`/ring/${pick(now.who)}`).put(now.name, `content ${puts++}`);
        break;
      case 'split':
        for (const [n, port] of ports().entries()) side.set(port, (now.mask >> (n % 8)) & 1);
        world.weather.partition((port) => side.get(port) ?? 0);
        break;
      case 'heal':
        world.weather.heal();
        break;
      case 'wait':
        await world.simulation.advance(now.ms);
    }
    await world.simulation.settle();
  }
  world.weather.heal();
  for (const port of ports()) world.weather.thaw(port);
}

/** A member that joins at one which is itself not in yet, because the one it asked hangs. */
const waitingBehindOneThatWaits: Step[] = [
  { do: 'freeze', who: 10 },
  { do: 'join', at: 1 },
  { do: 'join', at: 3 },
  { do: 'wait', ms: 4000 },
];

it('ends with one circle, one list and one content, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(1000), async (steps, seed) => {
      const world = new RingWorld(seed);
      await world.ring(FOUNDERS);
      await perform(world, steps);
      await world.until(() => world.converged, 120_000);
      const contents = (): number =>
        new Set([...world.members.keys()].map((port) => world.snapshot(port).contentDigest)).size;
      await world.until(() => contents() === 1, 120_000);
      // Nothing travels any more, for ever.
      await world.simulation.advance(20_000);
      const travels = (): number => messages(world);
      const before = travels();
      await world.simulation.advance(30_000);
      expect(travels()).toBe(before);
      expect(world.converged).toBe(true);
      for (const port of world.members.keys()) expect(world.snapshot(port).travelling).toEqual([]);
    }),
    {
      numRuns: 60,
      // The same schedules every time, so that a run can be repeated; RING_SEED explores others.
      seed: Number(process.env.RING_SEED ?? 514965183),
      examples: [[waitingBehindOneThatWaits, 0]],
    },
  );
}, 300_000);

/** Circular messages that the live members have received so far. */
function messages(world: RingWorld): number {
  return [...world.members.values()]
    .flatMap(({ process }) => world.simulation.recorded(process).traces)
    .filter((trace) => trace.includes('seen by')).length;
}
