import { useStudio } from '../../studio-context';

export function useRunningTasks(): number {
  return useStudio((state) => {
    let running = 0;
    for (const task of state.tasks.values()) if (task.phase === 'running') running += 1;
    return running;
  });
}
