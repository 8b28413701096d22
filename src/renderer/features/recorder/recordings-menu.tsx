/** What was recorded in this workspace, and what can be done with it. */
import { ActionIcon, Menu } from '@mantine/core';
import {
  IconAlertTriangle,
  IconChevronDown,
  IconDownload,
  IconPencil,
  IconPlayerPlay,
  IconTrash,
} from '@tabler/icons-react';
import type { RecordingRow } from '../../../contract/recording';
import { formatCount, formatDate, formatElapsed } from '../../format';
import { useRecorderCommands, useRecordings } from '../../recorder-actions';
import { usePanel, useStudio } from '../../studio-context';
import css from './recorder.module.css';

export function RecordingsMenu() {
  const recordings = useRecordings();
  const rows = recordings.data ?? [];
  return (
    <Menu position="bottom-start" width={320} onOpen={() => void recordings.refetch()}>
      <Menu.Target>
        <ActionIcon aria-label="Recordings" size={24}>
          <IconChevronDown size={14} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown aria-label="Recordings">
        {rows.length > 0 ? (
          <Menu.Label>Recordings of this workspace</Menu.Label>
        ) : (
          <p className={css.hint}>
            Nothing is recorded yet. Press Record, work with the network, then press Stop.
          </p>
        )}
        <div className={css.list}>
          {rows.map((row) => (
            <RecordingEntry key={row.id} recording={row} />
          ))}
        </div>
        <Menu.Divider />
        <p className={css.hint}>A recording holds what is done, and no files that are added meanwhile.</p>
      </Menu.Dropdown>
    </Menu>
  );
}

function RecordingEntry({ recording }: { recording: RecordingRow }) {
  const panel = usePanel();
  const commands = useRecorderCommands();
  const isBusy = useStudio(({ recorder }) => recorder.phase !== 'idle');
  const { id, name, problem, steps, lengthMs, recordedAt } = recording;
  const isReadable = problem === undefined;
  return (
    <Menu.Sub>
      <Menu.Sub.Target>
        <Menu.Sub.Item
          aria-label={name}
          leftSection={isReadable ? null : <IconAlertTriangle size={15} aria-label="Cannot be read" />}
        >
          <span className={css.entry}>
            <span className={css.name}>{name}</span>
            <span className={css.facts}>
              {isReadable
                ? `${formatElapsed(lengthMs)} · ${formatCount(steps, 'step')} · ${formatDate(recordedAt, Date.now())}`
                : `Cannot be read: ${problem}`}
            </span>
          </span>
        </Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown>
        {isReadable && (
          <>
            <Menu.Item
              disabled={isBusy}
              leftSection={<IconPlayerPlay size={15} />}
              onClick={() => commands.replay(id)}
            >
              Replay
            </Menu.Item>
            <Menu.Item
              leftSection={<IconPencil size={15} />}
              onClick={() => panel.open({ kind: 'rename-recording', recording })}
            >
              Rename…
            </Menu.Item>
          </>
        )}
        <Menu.Item leftSection={<IconDownload size={15} />} onClick={() => void commands.export(id)}>
          Export as file
        </Menu.Item>
        <Menu.Item
          color="red"
          leftSection={<IconTrash size={15} />}
          onClick={() => panel.open({ kind: 'delete-recording', recording })}
        >
          Delete…
        </Menu.Item>
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  );
}
