/** What can be done with a download: as buttons of its row, and in the row's menu. */
import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import {
  IconDots,
  IconDownload,
  IconFolderOpen,
  IconPlayerPause,
  IconPlayerPlay,
  IconReload,
  IconTrash,
  IconX,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { TransferView } from '../../../contract/events';
import { type Priority, priorities } from '../../../contract/priority';
import { manifestOf } from '../../../nodes/manifests';
import { nameOf } from '../../graph';
import { useNodeSpec, useRun, useStudio, useStudioParts } from '../../studio-context';
import { ContextMenu, type MenuPoint } from '../../ui/context-menu';
import { saveInBrowser } from './save';
import css from './transfers.module.css';

interface Action {
  label: string;
  icon: ReactNode;
  run(): void;
}

const priorityLabels: Record<Priority, string> = { high: 'High', normal: 'Normal', low: 'Low' };

export function isEnded({ phase }: TransferView): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'cancelled';
}

function useActions(transfer: TransferView): Action[] {
  const run = useRun();
  const { client } = useStudioParts();
  const paths = useStudio((state) => state.shell.paths);
  const { id, phase, savedTo } = transfer;
  const underWay = phase === 'running' || phase === 'waiting';
  const again = phase === 'failed' || phase === 'cancelled';
  const ended = isEnded(transfer);
  const action = (when: boolean, label: string, icon: ReactNode, act: () => unknown): Action[] =>
    when ? [{ label, icon, run: () => void act() }] : [];
  return [
    ...action(underWay, 'Pause', <IconPlayerPause size={15} />, () => run('transfers.pause', { id })),
    ...action(phase === 'paused', 'Resume', <IconPlayerPlay size={15} />, () =>
      run('transfers.resume', { id }),
    ),
    ...action(!ended, 'Cancel', <IconX size={15} />, () => run('transfers.cancel', { id })),
    ...action(again, 'Retry', <IconReload size={15} />, () => run('transfers.retry', { id })),
    ...action(phase === 'done' && paths && !!savedTo, 'Show in folder', <IconFolderOpen size={15} />, () =>
      run('shell.reveal', { path: savedTo as string }),
    ),
    ...action(phase === 'done' && !paths, 'Save', <IconDownload size={15} />, () =>
      saveInBrowser(client, id),
    ),
    ...action(ended, 'Remove from list', <IconTrash size={15} />, () => run('transfers.clear', { id })),
  ];
}

/** Whether its client can put some downloads before others. */
function useHasPriority(transfer: TransferView): boolean {
  const kind = useNodeSpec(transfer.client)?.kind;
  return !isEnded(transfer) && kind !== undefined && manifestOf(kind)?.priorities === true;
}

export function TransferButtons({
  transfer,
  onMenu,
}: {
  transfer: TransferView;
  onMenu: (at: MenuPoint) => void;
}) {
  const actions = useActions(transfer);
  const hasPriority = useHasPriority(transfer);
  return (
    <span className={css.buttons}>
      {actions.map(({ label, icon, run }) => (
        <Tooltip key={label} label={label}>
          <ActionIcon size={24} aria-label={`${label}: ${transfer.name}`} onClick={run}>
            {icon}
          </ActionIcon>
        </Tooltip>
      ))}
      {hasPriority && (
        <Tooltip label="Priority, and more">
          <ActionIcon
            size={24}
            aria-label={`Menu: ${transfer.name}`}
            aria-haspopup="menu"
            onClick={(event) => {
              const { left, bottom } = event.currentTarget.getBoundingClientRect();
              onMenu({ x: left, y: bottom });
            }}
          >
            <IconDots size={15} />
          </ActionIcon>
        </Tooltip>
      )}
    </span>
  );
}

export function TransferMenu({
  transfer,
  at,
  onClose,
}: {
  transfer: TransferView;
  at: MenuPoint;
  onClose: () => void;
}) {
  const actions = useActions(transfer);
  const hasPriority = useHasPriority(transfer);
  return (
    <ContextMenu at={at} label={`Actions for ${transfer.name}`} onClose={onClose}>
      {actions.map(({ label, icon, run }) => (
        <Menu.Item key={label} leftSection={icon} onClick={run}>
          {label}
        </Menu.Item>
      ))}
      {hasPriority && <PriorityItems transfer={transfer} />}
    </ContextMenu>
  );
}

function PriorityItems({ transfer }: { transfer: TransferView }) {
  const run = useRun();
  const client = useStudio((state) => nameOf(transfer.client, state.specs));
  const { id, priority = 'normal' } = transfer;
  return (
    <>
      <Menu.Divider />
      <Menu.Label className={css.explained}>
        Priority. Where downloads of {client} take pieces from the same source, high, normal and low get 4 : 2
        : 1 of it.
      </Menu.Label>
      <Menu.RadioGroup
        value={priority}
        onChange={(value) => void run('transfers.prioritise', { id, priority: value as Priority })}
      >
        {priorities.map((value) => (
          <Menu.RadioItem key={value} value={value} closeMenuOnClick>
            {priorityLabels[value]}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </>
  );
}
