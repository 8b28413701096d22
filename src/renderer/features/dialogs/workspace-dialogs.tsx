/** New, open and rename. */
import { Button, Modal, TextInput } from '@mantine/core';
import { IconFolderOpen } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatCount, formatDate } from '../../format';
import { aliveIn } from '../../node-state';
import { useRun, useStudio, useStudioParts } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import css from './dialogs.module.css';

/** Said before what stops everything. */
function useRunningWarning(): string | null {
  const running = useStudio(aliveIn);
  return running > 0 ? `${formatCount(running, 'running node')} will be stopped first.` : null;
}

export function NewWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const run = useRun();
  const warning = useRunningWarning();
  return (
    <NameDialog
      title="New workspace"
      label="Name"
      initial="My network"
      action="Create"
      note={warning}
      onClose={onClose}
      onSubmit={(name) => void run('workspace.create', { name })}
    />
  );
}

export function RenameWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const run = useRun();
  const name = useStudio((state) => state.workspace.document.name);
  return (
    <NameDialog
      title="Rename workspace"
      label="Name"
      initial={name}
      action="Rename"
      onClose={onClose}
      onSubmit={(next) => void run('workspace.apply', { command: { type: 'rename-workspace', name: next } })}
    />
  );
}

export function NameDialog({
  title,
  label,
  initial,
  action,
  note,
  maxLength = 120,
  onClose,
  onSubmit,
}: {
  title: string;
  label: string;
  initial: string;
  action: string;
  note?: string | null;
  maxLength?: number;
  onClose: () => void;
  onSubmit: (name: string) => void;
}) {
  const [name, setName] = useState(initial);
  return (
    <Modal opened onClose={onClose} title={title} size={400}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!name.trim()) return;
          onClose();
          onSubmit(name.trim());
        }}
      >
        <TextInput
          label={label}
          data-autofocus
          value={name}
          maxLength={maxLength}
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {note && <p className={css.note}>{note}</p>}
        <footer className={css.footer}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" disabled={!name.trim()}>
            {action}
          </Button>
        </footer>
      </form>
    </Modal>
  );
}

/** Asked where a workspace is opened without the list of them, while something would be stopped. */
export function ConfirmOpenDialog({
  path,
  name,
  onClose,
}: {
  path: string;
  name: string;
  onClose: () => void;
}) {
  const run = useRun();
  const warning = useRunningWarning();
  return (
    <Modal opened onClose={onClose} title={`Open ${name}`} size={400}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
          void run('workspace.open', { path });
        }}
      >
        {warning && <p className={css.note}>{warning}</p>}
        <footer className={css.footer}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" data-autofocus>
            Open
          </Button>
        </footer>
      </form>
    </Modal>
  );
}

export function OpenWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const { client } = useStudioParts();
  const run = useRun();
  const warning = useRunningWarning();
  const paths = useStudio((state) => state.shell.paths);
  const current = useStudio((state) => state.workspace.path);
  const list = useQuery({
    queryKey: ['workspaces', 'open'],
    queryFn: () => client.transport.call('workspace.list', {}),
    gcTime: 0,
  });
  const open = (path: string): void => {
    onClose();
    void run('workspace.open', { path });
  };
  const browse = async (): Promise<void> => {
    const chosen = await run('shell.choose', { what: 'workspace', title: 'Open a workspace' });
    if (chosen?.[0]) open(chosen[0]);
  };
  const rows = list.data ?? [];
  const hasOthers = rows.some(({ path }) => path !== current);
  return (
    <Modal opened onClose={onClose} title="Open a workspace" size={480}>
      {warning && (hasOthers || paths) && <p className={css.note}>{warning}</p>}
      {list.error && (
        <EmptyState title="The workspaces could not be listed.">{list.error.message}</EmptyState>
      )}
      {list.data && !hasOthers && <EmptyState title="There are no other workspaces yet." />}
      <ul className={css.choices} aria-label="Workspaces">
        {rows.map((row) => (
          <li key={row.path}>
            <button
              type="button"
              disabled={row.path === current}
              onClick={() => open(row.path)}
              title={row.path}
            >
              <span className={css.choiceName}>{row.name}</span>
              <span className={css.note}>
                {row.path === current
                  ? 'open now'
                  : `${formatCount(row.nodes, 'node')} · ${formatDate(row.modifiedMs, Date.now())}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {paths && (
        <footer className={css.footer}>
          <Button leftSection={<IconFolderOpen size={15} />} onClick={() => void browse()}>
            Another file…
          </Button>
        </footer>
      )}
    </Modal>
  );
}
