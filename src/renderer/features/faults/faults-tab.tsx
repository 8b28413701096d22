/** The faults of the inspector: of one node, of several, of a link. */
import { useMemo } from 'react';
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
