/** Undo and redo over whole documents; unchanged parts are shared, so a step costs little. */
import type { Workspace } from '../../contract/workspace';
import { restore } from './document';

const MAX_STEPS = 200;

interface Step {
  label: string;
  before: Workspace;
  after: Workspace;
}

export class History {
  readonly #done: Step[] = [];
  readonly #undone: Step[] = [];

  get undoLabel(): string | undefined {
    return this.#done.at(-1)?.label;
  }

  get redoLabel(): string | undefined {
    return this.#undone.at(-1)?.label;
  }

  push(label: string, before: Workspace, after: Workspace): void {
    this.#done.push({ label, before, after });
    if (this.#done.length > MAX_STEPS) this.#done.shift();
    this.#undone.length = 0;
  }

  /** The document before the last edit; undefined when there is none. */
  undo(current: Workspace): Workspace | undefined {
    const step = this.#done.pop();
    if (!step) return undefined;
    // What returns are the faults of now, not those of the time of the edit.
    this.#undone.push({ ...step, after: current });
    return restore(step.before, current);
  }

  redo(current: Workspace): Workspace | undefined {
    const step = this.#undone.pop();
    if (!step) return undefined;
    this.#done.push({ ...step, before: current });
    return restore(step.after, current);
  }
}
