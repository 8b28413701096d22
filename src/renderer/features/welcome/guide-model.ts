/**
 * The first tour, as steps that follow what really happens: a step is done when the network shows it, whether
 * a button of the tour was pressed or not. Pure.
 */
import type { NodeSpec } from '../../../contract/workspace';
import { stateIn } from '../../node-state';
import type { StudioState } from '../../studio-store';

export const tourFile = 'hello.txt';

export type StepId = 'download' | 'kill' | 'noticed' | 'again' | 'restart';

export interface Tour {
  /** Unix ms at which each step was seen done; a step stays done. */
  done: Partial<Record<StepId, number>>;
}

export const emptyTour: Tour = { done: {} };

export const order: readonly StepId[] = ['download', 'kill', 'noticed', 'again', 'restart'];

type Part = Pick<StudioState, 'specs' | 'nodes' | 'hung' | 'transfers'>;

/** The server that the tour kills: CS1 where there is one. */
export function tourServer(specs: ReadonlyMap<string, NodeSpec>): NodeSpec | undefined {
  const servers = [...specs.values()].filter((spec) => spec.kind === 'content-server');
  return servers.find((spec) => spec.name === 'CS1') ?? servers[0];
}

/** Whether the workspace is small and has what the tour needs. */
export function suitsTour(specs: ReadonlyMap<string, NodeSpec>): boolean {
  if (specs.size > 8) return false;
  const count = (kind: string): number => [...specs.values()].filter((spec) => spec.kind === kind).length;
  return count('index-server') > 0 && count('monitor') > 0 && count('content-server') > 1;
}

/** The tour after a look at the state. The same object when nothing is new. */
export function advance(tour: Tour, state: Part, now: number): Tour {
  const done = { ...tour.done };
  for (const step of order) {
    if (done[step] !== undefined) continue;
    if (!isDone(step, done, state)) break;
    done[step] = now;
  }
  return Object.keys(done).length === Object.keys(tour.done).length ? tour : { done };
}

function isDone(step: StepId, done: Tour['done'], state: Part): boolean {
  const server = tourServer(state.specs);
  if (!server) return false;
  switch (step) {
    case 'download':
      return downloaded(state, 0);
    case 'kill':
      return stateIn(state, server.id) === 'crashed';
    case 'noticed':
      return statusOf(server, state) === 'dead';
    case 'again':
      return downloaded(state, done.kill ?? 0);
    case 'restart':
      return stateIn(state, server.id) === 'running' && statusOf(server, state) === 'alive';
  }
}

function downloaded({ transfers }: Part, after: number): boolean {
  for (const { name, phase, startedAt } of transfers.values())
    if (name === tourFile && phase === 'done' && startedAt >= after) return true;
  return false;
}

/** What the index says of a server. */
export function statusOf(
  server: NodeSpec,
  { specs, nodes }: Pick<Part, 'specs' | 'nodes'>,
): string | undefined {
  const serverId = server.config.serverId || server.name;
  for (const spec of specs.values()) {
    if (spec.kind !== 'index-server') continue;
    const { servers } = (nodes.get(spec.id)?.snapshot ?? {}) as {
      servers?: { serverId: string; status: string }[];
    };
    const found = servers?.find((one) => one.serverId === serverId);
    if (found) return found.status;
  }
  return undefined;
}

export function currentStep(tour: Tour): StepId | null {
  return order.find((step) => tour.done[step] === undefined) ?? null;
}
