/** "Break" in the context menu: the ten commonest faults of a node or a link, the presets, and healing. */
import { Menu } from '@mantine/core';
import { IconBolt, IconHeartbeat, IconLineDashed } from '@tabler/icons-react';
import { type FaultPlace, faultsAt } from '../../fault-links';
import { sameItems } from '../../store';
import { usePanel, useStudio } from '../../studio-context';
import { commonAt, isSeparable, partitionFromRest, presetsFor } from './offers';
import { useFaultCommands } from './use-fault-commands';

export function FaultMenu({ place }: { place: FaultPlace }) {
  const commands = useFaultCommands();
  const panel = usePanel();
  const faults = useStudio((state) => faultsAt(place, state.faults), sameItems);
  const kinds = useStudio(
    (state) => ('nodes' in place ? place.nodes.map((id) => state.specs.get(id)?.kind ?? '') : []),
    sameItems,
  );
  const nodesInAll = useStudio((state) => state.specs.size);
  const platform = useStudio((state) => state.shell.platform);
  const show = (): void => {
    if ('link' in place) panel.patch({ selection: [], selectedLink: place.link, inspectorOpen: true });
    else panel.openInspector('faults');
  };
  const add = (kind: string): void => {
    void commands.add(kind, place);
    show();
  };
  return (
    <>
      <Menu.Sub>
        <Menu.Sub.Target>
          <Menu.Sub.Item leftSection={<IconBolt size={15} stroke={1.75} />}>Break</Menu.Sub.Item>
        </Menu.Sub.Target>
        <Menu.Sub.Dropdown>
          {isSeparable(place, nodesInAll) && (
            <Menu.Item
              leftSection={<IconLineDashed size={15} stroke={1.75} />}
              onClick={() => {
                commands.preset(partitionFromRest, place.nodes);
                show();
              }}
            >
              Partition from the rest
            </Menu.Item>
          )}
          {commonAt(place, platform).map(({ kind, label, observe }) => (
            <Menu.Item key={kind} title={observe} onClick={() => add(kind)}>
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={show}>All faults…</Menu.Item>
        </Menu.Sub.Dropdown>
      </Menu.Sub>
      {'nodes' in place && (
        <Menu.Sub>
          <Menu.Sub.Target>
            <Menu.Sub.Item leftSection={<IconBolt size={15} stroke={1.75} />}>Preset</Menu.Sub.Item>
          </Menu.Sub.Target>
          <Menu.Sub.Dropdown>
            {presetsFor(kinds).map(({ id, label, observe }) => (
              <Menu.Item
                key={id}
                title={observe}
                onClick={() => {
                  commands.preset(id, place.nodes);
                  show();
                }}
              >
                {label}
              </Menu.Item>
            ))}
          </Menu.Sub.Dropdown>
        </Menu.Sub>
      )}
      {faults.length > 0 && (
        <Menu.Item
          leftSection={<IconHeartbeat size={15} stroke={1.75} />}
          onClick={() => commands.remove(faults.map(({ id }) => id))}
        >
          Heal
        </Menu.Item>
      )}
    </>
  );
}
