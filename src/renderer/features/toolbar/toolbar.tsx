/** The top of the window: what is open, what acts on everything, and what is broken on purpose. */
import {
  ActionIcon,
  Button,
  Kbd,
  Menu,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
} from '@mantine/core';
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconChevronDown,
  IconDeviceFloppy,
  IconFilePlus,
  IconFolderOpen,
  IconHelp,
  IconMoon,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconSearch,
  IconSettings,
  IconSun,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { formatDate } from '../../format';
import { useNodeCommands } from '../../node-actions';
import { aliveIn, possibleForAll, stateIn } from '../../node-state';
import { modKey } from '../../shortcuts';
import { sameValues } from '../../store';
import { usePanel, useRun, useStudio, useStudioParts } from '../../studio-context';
import css from './toolbar.module.css';

export function Toolbar({
  onSearch,
  recorder,
  banner,
}: {
  onSearch: () => void;
  recorder: ReactNode;
  banner: ReactNode;
}) {
  return (
    <section className={css.toolbar} data-region="toolbar" aria-label="Toolbar">
      <h1 className="unseen">Micro-CDN Studio</h1>
      <WorkspaceMenu />
      <span className={css.divider} />
      <StartStop />
      <span className={css.divider} />
      <UndoRedo />
      <span className={css.divider} />
      {recorder}
      <UnstyledButton className={css.search} onClick={onSearch}>
        <IconSearch size={14} />
        <span className={css.searchText}>Search actions, nodes, files</span>
        <Kbd aria-hidden>{modKey} K</Kbd>
      </UnstyledButton>
      {banner}
      <Corner />
    </section>
  );
}

function WorkspaceMenu() {
  const panel = usePanel();
  const run = useRun();
  const { client } = useStudioParts();
  const { document, path, saveError } = useStudio((state) => state.workspace);
  const recent = useQuery({
    queryKey: ['workspaces', path],
    queryFn: () => client.transport.call('workspace.list', {}),
  });
  const stopsNodes = useStudio((state) => aliveIn(state) > 0);
  const open = (path: string, name: string): void => {
    if (stopsNodes) panel.open({ kind: 'confirm-open', path, name });
    else void run('workspace.open', { path });
  };
  const others = (recent.data ?? []).filter((one) => one.path !== path).slice(0, 6);
  return (
    <Menu position="bottom-start" width={280} onOpen={() => void recent.refetch()}>
      <Menu.Target>
        <UnstyledButton className={css.workspace} aria-label={`Workspace ${document.name}`}>
          <img src={logo} width={20} height={20} alt="" />
          <span className={css.name}>{document.name}</span>
          <IconChevronDown size={14} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconFilePlus size={15} />}
          onClick={() => panel.open({ kind: 'new-workspace' })}
        >
          New workspace…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconFolderOpen size={15} />}
          onClick={() => panel.open({ kind: 'open-workspace' })}
        >
          Open…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconPencil size={15} />}
          onClick={() => panel.open({ kind: 'rename-workspace' })}
        >
          Rename…
        </Menu.Item>
        <Menu.Item
          role="menuitemcheckbox"
          aria-checked={document.startOnOpen}
          leftSection={<IconPlayerPlay size={15} />}
          rightSection={document.startOnOpen ? '✓' : null}
          closeMenuOnClick={false}
          onClick={() =>
            void run('workspace.apply', {
              command: { type: 'set-start-on-open', startOnOpen: !document.startOnOpen },
            })
          }
        >
          Start all when opened
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          {saveError ? `Not saved: ${saveError.message}` : 'Saved by itself with every change'}
        </Menu.Label>
        {others.length > 0 && <Menu.Label>Recent</Menu.Label>}
        {others.map((one) => (
          <Menu.Item
            key={one.path}
            leftSection={<IconDeviceFloppy size={15} />}
            rightSection={<span className={css.faint}>{formatDate(one.modifiedMs, Date.now())}</span>}
            onClick={() => open(one.path, one.name)}
          >
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const logo = new URL('../../icon.svg', import.meta.url).href;

function StartStop() {
  const commands = useNodeCommands();
  const { store } = useStudioParts();
  const can = useStudio((studio) => {
    return possibleForAll([...studio.specs.keys()].map((id) => stateIn(studio, id)));
  }, sameValues);
  const all = (): string[] => [...(store.get()?.specs.keys() ?? [])];
  return (
    <>
      <Button
        variant="subtle"
        color="gray"
        leftSection={<IconPlayerPlay size={15} />}
        disabled={!can.start}
        onClick={() => commands.act('start', all())}
      >
        Start all
      </Button>
      <Button
        variant="subtle"
        color="gray"
        leftSection={<IconPlayerStop size={15} />}
        disabled={!can.stop}
        onClick={() => commands.act('stop', all())}
      >
        Stop all
      </Button>
    </>
  );
}

function UndoRedo() {
  const commands = useNodeCommands();
  const { canUndo, canRedo, undoLabel, redoLabel } = useStudio((state) => state.workspace);
  return (
    <>
      <Tooltip label={`Undo${undoLabel ? ` ${undoLabel}` : ''} (${modKey}+Z)`}>
        <ActionIcon aria-label="Undo" disabled={!canUndo} onClick={commands.undo}>
          <IconArrowBackUp size={17} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={`Redo${redoLabel ? ` ${redoLabel}` : ''} (${modKey}+Shift+Z)`}>
        <ActionIcon aria-label="Redo" disabled={!canRedo} onClick={commands.redo}>
          <IconArrowForwardUp size={17} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}

function Corner() {
  const panel = usePanel();
  const run = useRun();
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <>
      <Tooltip label={dark ? 'Light theme' : 'Dark theme'}>
        <ActionIcon
          aria-label={dark ? 'Use light theme' : 'Use dark theme'}
          onClick={() => void run('settings.set', { settings: { theme: dark ? 'light' : 'dark' } })}
        >
          {dark ? <IconSun size={17} /> : <IconMoon size={17} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Keyboard shortcuts (?)">
        <ActionIcon aria-label="Keyboard shortcuts" onClick={() => panel.open({ kind: 'shortcuts' })}>
          <IconHelp size={17} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={`Settings (${modKey}+,)`}>
        <ActionIcon aria-label="Settings" onClick={() => panel.open({ kind: 'settings' })}>
          <IconSettings size={17} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
