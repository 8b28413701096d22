/** Undo and redo over whole documents; unchanged parts are shared, so a step costs little. */
import type { Workspace } from '../../contract/workspace';
import { restore } from './document';

const MAX_STEPS = 200;
/** Edits of one series that follow each other so closely are one step: an arrow key that is held down. */
const SERIES_MS = 1000;

interface Step {
  label: string;
  before: Workspace;
  after: Workspace;
  series?: Series | undefined;
}

/** What an edit goes on with, if the former one was of the same name. */
export interface Series {
  name: string;
  /** Milliseconds of any clock. */
  at: number;
}

export class History {
  readonly #done: Step[] = [];
  readonly #undone: Step[] = [];
  #position = 0;

  get undoLabel(): string | undefined {
    return this.#done.at(-1)?.label;
  }

  get redoLabel(): string | undefined {
    return this.#undone.at(-1)?.label;
  }

  /** Rises by one with each edit, and falls with each that is undone; where it began means nothing. */
  get position(): number {
    return this.#position;
  }

  push(label: string, before: Workspace, after: Workspace, series?: Series): void {
    const last = this.#done.at(-1);
    if (last && this.#undone.length === 0 && goesOn(last.series, series)) {
      this.#done[this.#done.length - 1] = { ...last, after, series };
      return;
    }
    this.#done.push({ label, before, after, series });
    this.#position += 1;
    if (this.#done.length > MAX_STEPS) this.#done.shift();
    this.#undone.length = 0;
  }

  /** The document before the last edit; undefined when there is none. */
  undo(current: Workspace): Workspace | undefined {
    const step = this.#done.pop();
    if (!step) return undefined;
    this.#position -= 1;
    // What returns are the faults of now, not those of the time of the edit.
    this.#undone.push({ ...step, after: current });
    return restore(step.before, current);
  }

  redo(current: Workspace): Workspace | undefined {
    const step = this.#undone.pop();
    if (!step) return undefined;
    this.#position += 1;
    this.#done.push({ ...step, before: current });
    return restore(step.after, current);
  }
}

function goesOn(last: Series | undefined, next: Series | undefined): boolean {
  return last !== undefined && last.name === next?.name && next.at - last.at <= SERIES_MS;
}
