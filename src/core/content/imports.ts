/** Copies files and folders of this machine into nodes. */
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import type { Tasks } from '../tasks';
import { Batch, countOf } from './batch';
import { type ImportFile, type ImportPlan, planImport } from './import-plan';
import type { NodeFolders } from './node-folders';
import { readSource } from './source-file';

/** Up to so many paths each have a task of their own; more share one. */
const MAX_TASKS_AT_ONCE = 50;
/** More copies at a time only make each slower, since all go to the same disk. */
const COPIES_AT_ONCE = 2;

interface Group {
  paths: readonly string[];
  batch: Batch;
}

export class Imports {
  readonly #hub: EventHub;
  readonly #tasks: Tasks;
  readonly #folders: NodeFolders;

  constructor(hub: EventHub, tasks: Tasks, folders: NodeFolders) {
    this.#hub = hub;
    this.#tasks = tasks;
    this.#folders = folders;
  }

  /** Returns the tasks, which go on by themselves; what came of them together is told by a notice. */
  begin(node: NodeSpec, paths: readonly string[]): string[] {
    this.#folders.refuseWithoutFiles(node);
    const groups = (paths.length > MAX_TASKS_AT_ONCE ? [paths] : paths.map((path) => [path])).map(
      (group): Group => ({ paths: group, batch: this.#batch(node, group) }),
    );
    void this.#runAll(node, groups);
    return groups.map(({ batch }) => batch.task.id);
  }

  #batch(node: NodeSpec, paths: readonly string[]): Batch {
    const title = paths.length === 1 ? `Add ${lastPart(paths[0] as string)}` : `Add ${paths.length} items`;
    return new Batch(this.#tasks.begin({ kind: 'upload', title, node: node.id, unit: 'bytes' }), node.name);
  }

  async #runAll(node: NodeSpec, groups: readonly Group[]): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let group = groups[next++]; group; group = groups[next++]) await this.#run(node, group);
    };
    await Promise.all(Array.from({ length: COPIES_AT_ONCE }, worker));
    this.#tellOutcome(
      node,
      groups.map(({ batch }) => batch),
    );
  }

  async #run(node: NodeSpec, { paths, batch }: Group): Promise<void> {
    const { task } = batch;
    try {
      const plans: ImportPlan[] = [];
      for (const path of paths) plans.push(await planImport(path, task.signal));
      const files = plans.flatMap((plan) => plan.files);
      task.setTotal(plans.reduce((sum, plan) => sum + plan.bytes, 0));
      batch.expect(
        files.length,
        plans.reduce((sum, plan) => sum + plan.skipped, 0),
      );
      for (const file of files) await this.#copy(node, file, batch);
    } catch (error) {
      batch.failed(error);
    }
  }

  async #copy(node: NodeSpec, { source, name, size }: ImportFile, batch: Batch): Promise<void> {
    const { task } = batch;
    const onBytes = (count: number): void => task.advance(count);
    const options = { size, signal: task.signal, onBytes };
    try {
      batch.fileAdded(await this.#folders.write(node, name, readSource(source), options));
    } catch (error) {
      batch.fileFailed(error);
    }
  }

  #tellOutcome(node: NodeSpec, batches: readonly Batch[]): void {
    const added = batches.reduce((sum, batch) => sum + batch.added, 0);
    const problems = batches.filter(({ task }) => !task.signal.aborted).flatMap((batch) => batch.problems);
    const [problem] = problems;
    if (problem) {
      const title = `${countOf(problems.length)} could not be added to ${node.name}`;
      this.#hub.notice('bad', title, [problem.message, problem.hint].filter(Boolean).join(' '));
    }
    if (added > 0) this.#hub.notice('good', `${countOf(added)} added to ${node.name}`);
  }
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}
