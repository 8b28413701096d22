/** The faults that act in a node. */
import { Button, Switch } from '@mantine/core';
import { IconHeartbeat } from '@tabler/icons-react';
import { nameOf } from '../../graph';
import { sameItems } from '../../store';
import { useRun, useStudio } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import css from './faults.module.css';

export function FaultsTab({ node }: { node: string }) {
  const run = useRun();
  const specs = useStudio((state) => state.specs);
  const faults = useStudio((state) => state.faults.filter((fault) => fault.node === node), sameItems);
  if (faults.length === 0)
    return (
      <EmptyState icon={<IconHeartbeat size={28} stroke={1.25} />} title="No faults.">
        Kill and Hang, above, break this node at once.
      </EmptyState>
    );
  return (
    <ul className={css.list} aria-label="Faults">
      {faults.map((fault) => (
        <li key={fault.id} className={css.fault}>
          <Switch
            label={fault.kind}
            checked={fault.enabled}
            onChange={(event) =>
              void run('faults.set', { fault: { ...fault, enabled: event.currentTarget.checked } })
            }
          />
          <span className={css.scope}>
            {[
              fault.scope.direction,
              fault.scope.transport?.toUpperCase(),
              fault.scope.peer && `with ${nameOf(fault.scope.peer, specs)}`,
            ]
              .filter(Boolean)
              .join(' ') || 'all traffic'}
          </span>
          <Button
            size="compact-xs"
            aria-label={`Remove fault ${fault.kind}`}
            onClick={() => void run('faults.remove', { ids: [fault.id] })}
          >
            Remove
          </Button>
        </li>
      ))}
    </ul>
  );
}

export function useFaultCount(node: string): number {
  return useStudio((state) => state.faults.filter((fault) => fault.enabled && fault.node === node).length);
}
