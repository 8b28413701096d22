/** Another name for a recording, and its end. */
import { Button, Modal } from '@mantine/core';
import type { RecordingRow } from '../../../contract/recording';
import { formatCount, formatElapsed } from '../../format';
import { useRecorderCommands } from '../../recorder-actions';
import css from './dialogs.module.css';
import { NameDialog } from './workspace-dialogs';

interface Props {
  recording: RecordingRow;
  onClose: () => void;
}

export function RenameRecordingDialog({ recording: { id, name }, onClose }: Props) {
  const commands = useRecorderCommands();
  return (
    <NameDialog
      title={`Rename ${name}`}
      label="Name"
      initial={name}
      action="Rename"
      onClose={onClose}
      onSubmit={(next) => commands.rename(id, next)}
    />
  );
}

export function DeleteRecordingDialog({ recording, onClose }: Props) {
  const commands = useRecorderCommands();
  const { name, steps, lengthMs, problem } = recording;
  const what =
    problem === undefined
      ? `Its ${formatCount(steps, 'step')} (${formatElapsed(lengthMs)})`
      : 'The file, which cannot be read,';
  return (
    <Modal opened onClose={onClose} title={`Delete ${name} for good?`} size={400}>
      <p className={css.note}>{what} will be lost. Nothing brings a recording back.</p>
      <footer className={css.footer}>
        <Button data-autofocus onClick={onClose}>
          Keep
        </Button>
        <Button
          color="red"
          variant="filled"
          onClick={() => {
            onClose();
            commands.remove(recording.id);
          }}
        >
          Delete for good
        </Button>
      </footer>
    </Modal>
  );
}
