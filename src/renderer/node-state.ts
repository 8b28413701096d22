/** What state a node is in, in one word, one shape and one tone; and what can be done with it then. */
import type { NodeView } from '../contract/events';
import type { StudioState } from './studio-store';

export type NodeState = 'stopped' | 'starting' | 'running' | 'hung' | 'draining' | 'stopping' | 'crashed';
export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'idle';

export const tones: Record<NodeState, Tone> = {
  stopped: 'idle',
  starting: 'info',
  running: 'good',
  hung: 'warn',
  draining: 'warn',
  stopping: 'idle',
  crashed: 'bad',
};

export function stateIn({ nodes, hung }: Pick<StudioState, 'nodes' | 'hung'>, id: string): NodeState {
  const phase = nodes.get(id)?.phase ?? 'stopped';
  return phase === 'running' && hung.has(id) ? 'hung' : phase;
}

/** Since when it is in its state, in Unix ms. */
export function sinceIn(state: Pick<StudioState, 'nodes' | 'hung'>, id: string): number {
  const since = state.nodes.get(id)?.since ?? 0;
  return stateIn(state, id) === 'hung' ? Math.max(since, state.hung.get(id) ?? 0) : since;
}

export function isAlive(state: NodeState): boolean {
  return state !== 'stopped' && state !== 'crashed';
}

/** How many nodes have a process. */
export function aliveIn(state: Pick<StudioState, 'specs' | 'nodes' | 'hung'>): number {
  return [...state.specs.keys()].filter((id) => isAlive(stateIn(state, id))).length;
}

/** Starting, draining or stopping for longer than its deadline. */
export function isLate(node: NodeView | undefined, now: number): boolean {
  return node?.deadline !== undefined && now > node.deadline;
}

export type NodeActionId = 'start' | 'stop' | 'drain' | 'restart' | 'kill' | 'hang' | 'resume';

const possible: Record<NodeActionId, readonly NodeState[]> = {
  start: ['stopped', 'crashed'],
  stop: ['starting', 'running', 'hung', 'draining'],
  drain: ['running'],
  restart: ['running', 'hung', 'draining'],
  kill: ['starting', 'running', 'hung', 'draining', 'stopping'],
  hang: ['running'],
  resume: ['hung'],
};

export function isPossible(action: NodeActionId, state: NodeState): boolean {
  return possible[action].includes(state);
}

/** Whether "Start all" and "Stop all" would change anything. */
export function possibleForAll(states: readonly NodeState[]): { start: boolean; stop: boolean } {
  return { start: states.some((state) => isPossible('start', state)), stop: states.some(isAlive) };
}
