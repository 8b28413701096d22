/** The faults of the inspector: of one node, of several, of a link. */
import { useMemo } from 'react';
import { isOnLink } from '../../fault-links';
import { useStudio } from '../../studio-context';
import { Section } from '../../ui/facts';
import { FaultsPanel } from './faults-panel';

export function FaultsTab({ node }: { node: string }) {
  return <FaultsPanel place={useMemo(() => ({ nodes: [node] }), [node])} />;
}

export function LinkFaults({ link }: { link: string }) {
  return (
    <Section title="Faults">
      <FaultsPanel inset place={useMemo(() => ({ link }), [link])} />
    </Section>
  );
}

export function SelectionFaults({ nodes }: { nodes: readonly string[] }) {
  return (
    <Section title="Faults">
      <FaultsPanel inset place={useMemo(() => ({ nodes }), [nodes])} />
    </Section>
  );
}

export function useFaultCount(node: string): number {
  return useStudio((state) => state.faults.filter((fault) => fault.enabled && fault.node === node).length);
}

export function useLinkFaultCount(link: string): number {
  return useStudio((state) => state.faults.filter((fault) => fault.enabled && isOnLink(fault, link)).length);
}
