/** The faults of a place, in the order of the chain, and the ways to add one. */
import { Button, Menu, Select } from '@mantine/core';
import { IconBolt, IconChevronDown, IconHeartbeat, IconLineDashed } from '@tabler/icons-react';
import { useMemo } from 'react';
import { type FaultPlace, faultsAt } from '../../fault-links';
import { sameItems } from '../../store';
import { useStudio } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import { FaultCard } from './fault-card';
import { groupFaults } from './fault-groups';
import css from './faults.module.css';
import { isSeparable, offersAt, partitionFromRest, presetsFor } from './offers';
import { useFaultCommands } from './use-fault-commands';

export function FaultsPanel({
  place,
  inset = false,
}: {
  place: FaultPlace;
  /** Inside a section, which has margins of its own. */
  inset?: boolean;
}) {
  const commands = useFaultCommands();
  const faults = useStudio((state) => faultsAt(place, state.faults), sameItems);
  const groups = useMemo(() => groupFaults(faults, place), [faults, place]);
  const nodesInAll = useStudio((state) => state.specs.size);
  return (
    <div className={css.panel} data-inset={inset || undefined}>
      <div className={css.add}>
        <AddFault place={place} />
        {'nodes' in place && <Presets nodes={place.nodes} />}
      </div>
      {isSeparable(place, nodesInAll) && (
        <Button
          leftSection={<IconLineDashed size={14} />}
          onClick={() => commands.preset(partitionFromRest, place.nodes)}
        >
          Partition from the rest
        </Button>
      )}
      {faults.length === 0 ? (
        <EmptyState icon={<IconBolt size={26} stroke={1.25} />} title="Nothing is broken here.">
          Choose a fault: it acts at once, on what is open now and on what is opened later.
        </EmptyState>
      ) : (
        <>
          {groups.length > 1 && (
            <Button
              leftSection={<IconHeartbeat size={14} />}
              onClick={() => commands.remove(faults.map(({ id }) => id))}
            >
              Heal these {groups.length}
            </Button>
          )}
          <ol className={css.list} aria-label="Faults">
            {groups.map((group, index) => (
              <FaultCard key={group[0].id} group={group} place={place} chain={groups} index={index} />
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function AddFault({ place }: { place: FaultPlace }) {
  const commands = useFaultCommands();
  const platform = useStudio((state) => state.shell.platform);
  const offers = offersAt(place, platform);
  const observe = new Map(offers.flatMap(({ items }) => items.map((item) => [item.kind, item.observe])));
  return (
    <Select
      className={css.choose ?? ''}
      aria-label="Add a fault"
      placeholder="Add a fault…"
      searchable
      // Never has a value: choosing one sets the fault, and the next can be chosen.
      value={null}
      maxDropdownHeight={360}
      comboboxProps={{ width: 320, position: 'bottom-start' }}
      data={offers.map(({ group, items }) => ({
        group,
        items: items.map(({ kind, label }) => ({ value: kind, label })),
      }))}
      renderOption={({ option }) => (
        <div>
          <div>{option.label}</div>
          <div className={css.hint}>{observe.get(option.value)}</div>
        </div>
      )}
      onChange={(kind) => kind && void commands.add(kind, place)}
    />
  );
}

function Presets({ nodes }: { nodes: readonly string[] }) {
  const commands = useFaultCommands();
  const kinds = useStudio((state) => nodes.map((id) => state.specs.get(id)?.kind ?? ''), sameItems);
  const offered = presetsFor(kinds);
  return (
    <Menu width={300} position="bottom-end">
      <Menu.Target>
        <Button rightSection={<IconChevronDown size={13} />}>Presets</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {offered.map(({ id, label, observe }) => (
          <Menu.Item key={id} onClick={() => commands.preset(id, nodes)}>
            <div>{label}</div>
            <div className={css.hint}>{observe}</div>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
