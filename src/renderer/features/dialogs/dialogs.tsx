/** Whichever dialog is open. */
import { Kbd, Modal } from '@mantine/core';
import { Fragment, type ReactNode, useEffect, useState } from 'react';
import { useNodeCommands } from '../../node-actions';
import { shortcutGroups } from '../../shortcuts';
import { useNodeSpec, usePanel, usePanelState } from '../../studio-context';
import { ChooseServerDialog } from './choose-server-dialog';
import css from './dialogs.module.css';
import { DownloadDialog } from './download-dialog';
import { DeleteRecordingDialog, RenameRecordingDialog } from './recording-dialogs';
import {
  ConfirmOpenDialog,
  NameDialog,
  NewWorkspaceDialog,
  OpenWorkspaceDialog,
  RenameWorkspaceDialog,
} from './workspace-dialogs';

interface Props {
  settings: (onClose: () => void) => ReactNode;
}

export function Dialogs(props: Props) {
  const isOpen = usePanelState((state) => state.dialog !== null);
  return isOpen && <OpenDialog {...props} />;
}

/** What had the keyboard gets it back: a modal does so when it is told to close, and these are taken away open. */
function useFocusReturn(): void {
  const [before] = useState(() => document.activeElement as HTMLElement | null);
  useEffect(
    () => () => {
      // The entry of a menu is gone by now, and so is the command palette.
      const to = before?.isConnected
        ? before
        : document.querySelector<HTMLElement>('[data-region="topology"]');
      if (document.activeElement === document.body) to?.focus({ preventScroll: true });
    },
    [before],
  );
}

function OpenDialog({ settings }: Props) {
  const panel = usePanel();
  const dialog = usePanelState((state) => state.dialog);
  const close = (): void => panel.patch({ dialog: null });
  useFocusReturn();
  switch (dialog?.kind) {
    case undefined:
      return null;
    case 'download':
      return <DownloadDialog {...dialog} onClose={close} />;
    case 'choose-server':
      return <ChooseServerDialog files={dialog.files} onClose={close} />;
    case 'rename-node':
      return <RenameNodeDialog node={dialog.node} onClose={close} />;
    case 'new-workspace':
      return <NewWorkspaceDialog onClose={close} />;
    case 'open-workspace':
      return <OpenWorkspaceDialog onClose={close} />;
    case 'confirm-open':
      return <ConfirmOpenDialog {...dialog} onClose={close} />;
    case 'rename-workspace':
      return <RenameWorkspaceDialog onClose={close} />;
    case 'rename-recording':
      return <RenameRecordingDialog recording={dialog.recording} onClose={close} />;
    case 'delete-recording':
      return <DeleteRecordingDialog recording={dialog.recording} onClose={close} />;
    case 'settings':
      return settings(close);
    case 'shortcuts':
      return <ShortcutSheet onClose={close} />;
  }
}

function RenameNodeDialog({ node, onClose }: { node: string; onClose: () => void }) {
  const commands = useNodeCommands();
  const spec = useNodeSpec(node);
  if (!spec) return null;
  return (
    <NameDialog
      title={`Rename ${spec.name}`}
      label="Name"
      initial={spec.name}
      action="Rename"
      maxLength={64}
      onClose={onClose}
      onSubmit={(name) => void commands.rename(node, name)}
    />
  );
}

function ShortcutSheet({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Keyboard shortcuts" size={760}>
      <div className={css.groups}>
        {shortcutGroups.map((group) => (
          <section key={group.title} aria-label={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([keys, does]) => (
                <div key={keys}>
                  <dd>{does}</dd>
                  <dt>
                    {keys.split(' ').map((key) => (
                      <Fragment key={key}>
                        <Kbd>{key}</Kbd>{' '}
                      </Fragment>
                    ))}
                  </dt>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
