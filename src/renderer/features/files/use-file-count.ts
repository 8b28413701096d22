import { useStudio } from '../../studio-context';

export function useFileCount(node: string): number {
  return useStudio((state) => {
    const files = state.nodes.get(node)?.snapshot.files;
    return typeof files === 'number' ? files : 0;
  });
}
