/** What needs a person's attention now. Derived from the state; a problem that is solved is gone. Pure. */
import { stateIn } from '../../node-state';
import { portConflicts } from '../../port-claims';
import type { StudioState } from '../../studio-store';

export interface Problem {
  id: string;
  level: 'warning' | 'bad';
  title: string;
  detail?: string | undefined;
  node?: string;
  /** The tab of the inspector where it is dealt with. */
  tab?: string;
  /** A way out that is one click. */
  remedy?: { label: string; action: 'start' | 'kill' | 'resume' };
}

type Part = Pick<StudioState, 'specs' | 'nodes' | 'hung' | 'workspace'>;

export function problemsOf(state: Part, now: number): Problem[] {
  const problems: Problem[] = [];
  const { saveError } = state.workspace;
  if (saveError)
    problems.push({
      id: 'save',
      level: 'bad',
      title: 'The workspace is not saved.',
      detail: `${saveError.message} ${saveError.hint ?? ''}`.trim(),
    });
  for (const spec of state.specs.values()) {
    const view = state.nodes.get(spec.id);
    if (!view) continue;
    const { id } = spec;
    if (view.phase === 'crashed')
      problems.push({
        id: `crashed ${id}`,
        level: 'bad',
        title: `${spec.name} crashed.`,
        detail: [view.reason?.message, view.reason?.hint].filter(Boolean).join(' '),
        node: id,
        tab: view.reason?.code === 'EADDRINUSE' ? 'config' : 'logs',
        remedy: { label: 'Start again', action: 'start' },
      });
    if (stateIn(state, id) === 'hung')
      problems.push({
        id: `hung ${id}`,
        level: 'warning',
        title: `${spec.name} is hung.`,
        detail: 'It keeps its sockets and answers nothing.',
        node: id,
        remedy: { label: 'Resume', action: 'resume' },
      });
    if (view.deadline !== undefined && now > view.deadline)
      problems.push({
        id: `late ${id}`,
        level: 'warning',
        title: `${spec.name} takes too long.`,
        detail: view.waitingFor ? `It waits for ${view.waitingFor}.` : undefined,
        node: id,
        remedy: { label: 'Force stop', action: 'kill' },
      });
    problems.push(...heldBack(spec.name, id, view.snapshot.heldBack));
  }
  problems.push(...conflicts(state.specs));
  return problems;
}

const conflictsBySpecs = new WeakMap<object, Problem[]>();

/** Nodes that are set to the same port: the second one to start will fail. Worked out once for each edit. */
function conflicts(specs: StudioState['specs']): Problem[] {
  const known = conflictsBySpecs.get(specs);
  if (known) return known;
  const problems = portConflicts(specs.values()).map(
    ({ first, second }): Problem => ({
      id: `port ${first.node.id} ${second.node.id} ${second.transport} ${second.port}`,
      level: 'warning',
      title: `${first.node.name} and ${second.node.name} are set to the same port.`,
      detail: `${second.transport.toUpperCase()} port ${second.port}: only one of them can run. Give one another port.`,
      node: second.node.id,
      tab: 'config',
    }),
  );
  conflictsBySpecs.set(specs, problems);
  return problems;
}

/** Files that other programs cannot see as they are. */
function heldBack(name: string, node: string, list: unknown): Problem[] {
  if (!Array.isArray(list) || list.length === 0) return [];
  const first = list[0] as { name?: unknown; reason?: unknown };
  const more = list.length > 1 ? ` and ${list.length - 1} more` : '';
  return [
    {
      id: `held ${node}`,
      level: 'warning',
      title: `${name} does not announce “${String(first.name)}”${more} as it is.`,
      detail: String(first.reason ?? ''),
      node,
      tab: 'files',
    },
  ];
}
