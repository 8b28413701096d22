/** Starts several nodes in order, a few at a time, as one task. */
import { availableParallelism } from 'node:os';
import { StudioError } from '../../contract/errors';
import type { EventHub } from '../events/event-hub';
import type { Task, Tasks } from '../tasks';
import { type StartStep, startOrder } from './start-order';
import { describeReason, type SupervisedNode } from './supervised-node';

/** More at once make each slower, and the machine sluggish. */
const STARTS_AT_ONCE = Math.max(2, availableParallelism());

/**
 * Link targets first. Resolves when each node runs or has failed, which is told by a notice. The task can be
 * cancelled; then those that have not begun do not.
 */
export async function startTogether(
  nodes: readonly SupervisedNode[],
  { hub, tasks }: { hub: EventHub; tasks: Tasks },
  start: (node: SupervisedNode) => Promise<void>,
): Promise<void> {
  const [only] = nodes;
  if (!only) return;
  if (nodes.length === 1) {
    await start(only);
    const { phase, reason } = only.view;
    if (phase === 'crashed' && reason?.code !== 'KILLED')
      hub.notice('bad', `${only.spec.name} did not start`, describeReason(reason));
    return;
  }
  const title = `Start ${nodes.length} nodes`;
  const task = tasks.begin({ kind: 'start', title, unit: 'items', total: nodes.length });
  const byId = new Map(nodes.map((node) => [node.spec.id, node]));
  await inOrder(startOrder(nodes.map(({ spec }) => spec)), async ({ node }) => {
    const supervised = byId.get(node.id);
    if (supervised && !task.signal.aborted) await start(supervised);
    task.advance(1);
  });
  tellOutcome(task, nodes, hub);
}

function tellOutcome(task: Task, nodes: readonly SupervisedNode[], hub: EventHub): void {
  const up = nodes.filter((node) => node.up).length;
  if (task.signal.aborted) return task.cancelled(`${up} of ${nodes.length} started`);
  const failed = nodes.filter(({ view }) => view.phase === 'crashed' && view.reason?.code !== 'KILLED');
  const [first] = failed;
  if (!first) return task.done(`${up} started`);
  const names = failed.map(({ spec }) => spec.name).join(', ');
  const message = `${failed.length} of ${nodes.length} did not start: ${names}.`;
  const hint = describeReason(first.view.reason) ?? 'See their logs.';
  task.fail(new StudioError('START_FAILED', message, hint));
  hub.notice('bad', message, hint);
}

/** Runs the steps, a few together, each after those it names. */
async function inOrder(steps: readonly StartStep[], run: (step: StartStep) => Promise<void>): Promise<void> {
  const finished = new Map<string, Promise<void>>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let step = steps[next++]; step; step = steps[next++]) {
      const current = step;
      const ready = Promise.all(current.after.map((id) => finished.get(id)));
      const done = ready.then(() => run(current));
      finished.set(current.node.id, done);
      await done;
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, worker));
}
