import { useStudio } from '../../studio-context';

export function useFaultCount(node: string): number {
  return useStudio((state) => state.faults.filter((fault) => fault.enabled && fault.node === node).length);
}
