/** How tasks ended. */
import type { TaskPhase } from '../../contract/events';
import type { Store } from '../store';
import type { StudioState } from '../studio-store';

/** Events and answers come by different ways: a task's end may be known so much later than what it caused. */
const lateMs = 2000;

export class TaskEnds {
  constructor(
    private readonly store: Pick<Store<Pick<StudioState, 'tasks'> | null>, 'get' | 'subscribe'>,
    private readonly later: (ms: number, run: () => void) => unknown,
  ) {}

  /** Undefined when the task is not known (yet). */
  phase(task: string): TaskPhase | undefined {
    return this.store.get()?.tasks.get(task)?.phase;
  }

  /** The phase in which a task has ended, or in which it still is when it does not end soon. */
  of(task: string): Promise<TaskPhase | undefined> {
    return new Promise((resolve) => {
      const settle = (): void => {
        stop();
        resolve(this.phase(task));
      };
      const hasEnded = (): boolean => !['running', undefined].includes(this.phase(task));
      const stop = this.store.subscribe(() => hasEnded() && settle());
      if (hasEnded()) settle();
      else this.later(lateMs, settle);
    });
  }
}
