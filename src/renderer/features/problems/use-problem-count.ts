import { useStudio } from '../../studio-context';
import { problemsOf } from './problems-model';

export function useProblemCount(): number {
  return useStudio((state) => problemsOf(state, Date.now()).length);
}
