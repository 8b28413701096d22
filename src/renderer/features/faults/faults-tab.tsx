/** The faults of the inspector: of one node, of several, of a link. */
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { breakableLink } from '../../fault-links';
import { nameOf } from '../../graph';
import { useRelayCommands } from '../../relay-actions';
import { useStudio } from '../../studio-context';
import type { StudioState } from '../../studio-store';
import { EmptyState } from '../../ui/empty-state';
import { Section } from '../../ui/facts';
import css from './faults.module.css';
import { FaultsPanel } from './faults-panel';

export function FaultsTab({ node }: { node: string }) {
  return <FaultsPanel place={useMemo(() => ({ nodes: [node] }), [node])} />;
}

export function LinkFaults({ link }: { link: string }) {
  const relays = useRelayCommands();
  const specs = useStudio((state) => state.specs);
  const breakable = useStudio((state) => breakableLink(link, state));
  const place = useMemo(() => ({ link: breakable ?? link }), [breakable, link]);
  if (breakable === undefined)
    return (
      <Section title="Faults">
        <EmptyState
          title="This link is opened by a program outside."
          action={<Button onClick={() => void relays.insert(link)}>Put a relay on this link</Button>}
        >
          With a relay between them it can be broken like any other.
        </EmptyState>
      </Section>
    );
  return (
    <Section title="Faults">
      {breakable !== link && (
        <p className={css.hint}>
          A program outside opens this link. What is set here acts behind the relay, on the way to{' '}
          {nodeBehind(breakable, link, specs)}.
        </p>
      )}
      <FaultsPanel inset place={place} />
    </Section>
  );
}

/** The end of a link that another link does not have. */
function nodeBehind(link: string, other: string, specs: StudioState['specs']): string {
  const ends = other.split(' ');
  return nameOf(link.split(' ').find((id) => !ends.includes(id)) ?? '', specs);
}

export function SelectionFaults({ nodes }: { nodes: readonly string[] }) {
  return (
    <Section title="Faults">
      <FaultsPanel inset place={useMemo(() => ({ nodes }), [nodes])} />
    </Section>
  );
}
