/** Files that go into one node together, under one task. */
import { type ErrorShape, StudioError, toErrorShape } from '../../contract/errors';
import type { Task } from '../tasks';

export class Batch {
  readonly task: Task;
  /** The node's name. */
  readonly #into: string;
  #left: number;
  #added = 0;
  #replaced = 0;
  #skipped = 0;
  readonly #problems: ErrorShape[] = [];

  constructor(task: Task, into: string, files = 0) {
    this.task = task;
    this.#into = into;
    this.#left = files;
  }

  get added(): number {
    return this.#added;
  }

  get problems(): readonly ErrorShape[] {
    return this.#problems;
  }

  /** Says how many files there are, and how many were left out, once that is known. */
  expect(files: number, skipped: number): void {
    this.#left = files;
    this.#skipped = skipped;
    if (files === 0) this.#finish();
  }

  fileAdded({ replaced }: { replaced: boolean }): void {
    this.#added += 1;
    if (replaced) this.#replaced += 1;
    this.#fileEnded();
  }

  fileFailed(thrown: unknown): void {
    this.#problems.push(toErrorShape(thrown));
    this.#fileEnded();
  }

  /** Nothing could even be begun. */
  failed(thrown: unknown): void {
    this.#problems.push(toErrorShape(thrown));
    this.task.fail(thrown);
  }

  #fileEnded(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#finish();
  }

  #finish(): void {
    const [problem] = this.#problems;
    const outcome = this.#added > 0 ? this.#outcome() : undefined;
    if (this.task.signal.aborted) return this.task.cancelled(outcome);
    if (problem === undefined) return this.task.done(this.#outcome());
    const more = this.#problems.length > 1 ? ` (and ${this.#problems.length - 1} more)` : '';
    const hint = [problem.hint, outcome].filter(Boolean).join(' ');
    this.task.fail(new StudioError('NOT_ADDED', `${problem.message}${more}`, hint));
  }

  #outcome(): string {
    const parts = [`${countOf(this.#added)} added to ${this.#into}`];
    if (this.#replaced > 0)
      parts.push(this.#added === 1 ? 'replaced the former one' : `${this.#replaced} replaced`);
    if (this.#skipped > 0) parts.push(`${this.#skipped} hidden or special left out`);
    return parts.join(', ');
  }
}

export function countOf(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}
