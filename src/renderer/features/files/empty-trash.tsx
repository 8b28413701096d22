/** The end of removed files: said before it is done, for nothing brings them back. */
import { Button, Modal } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { formatCount } from '../../format';
import { notify } from '../../notify';
import { useNodeSpec, useRun } from '../../studio-context';
import css from './files.module.css';

export function EmptyTrash({ node, count }: { node: string; count: number }) {
  const run = useRun();
  const name = useNodeSpec(node)?.name ?? 'the server';
  const [asking, setAsking] = useState(false);
  const close = (): void => setAsking(false);
  const empty = async (): Promise<void> => {
    close();
    const done = await run('files.emptyTrash', { node });
    if (done)
      notify({ level: 'good', title: `${formatCount(done.deleted, 'removed file')} deleted for good` });
  };
  return (
    <>
      <Button leftSection={<IconTrash size={15} />} disabled={count === 0} onClick={() => setAsking(true)}>
        Delete all
      </Button>
      <Modal opened={asking} onClose={close} title="Delete removed files for good?" size={400}>
        <p className={css.lost}>
          {formatCount(count, 'removed file')} of {name} will be lost, and cannot be restored.
        </p>
        <footer className={css.actions}>
          <Button data-autofocus onClick={close}>
            Keep
          </Button>
          <Button color="red" variant="filled" onClick={() => void empty()}>
            Delete for good
          </Button>
        </footer>
      </Modal>
    </>
  );
}
