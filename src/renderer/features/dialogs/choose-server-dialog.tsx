/** Files were dropped where no server is: which one takes them? */
import { Button, Modal } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { manifests } from '../../../nodes/manifests';
import { formatBytes, formatCount } from '../../format';
import { fileHolders } from '../../graph';
import { notifyError } from '../../notify';
import type { DroppedFiles } from '../../panel-state';
import { useRun, useStudio, useStudioParts } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import { KindIcon } from '../../ui/kind-icon';
import css from './dialogs.module.css';

export function ChooseServerDialog({ files, onClose }: { files: DroppedFiles; onClose: () => void }) {
  const { uploads } = useStudioParts();
  const run = useRun();
  const specs = useStudio((state) => state.specs);
  const servers = fileHolders(specs.values());
  const give = (node: string): void => {
    onClose();
    uploads.give(files, node).catch(notifyError);
  };
  const addServer = async (): Promise<void> => {
    const manifest = manifests.find((one) => one.filesField);
    if (!manifest) return;
    const added = await run('workspace.apply', { command: { type: 'add-node', kind: manifest.id } });
    if (added?.ids[0]) give(added.ids[0]);
  };
  return (
    <Modal opened onClose={onClose} title={`Which server takes ${describe(files)}?`} size={440}>
      {servers.length === 0 && (
        <EmptyState
          title="No node here holds files."
          action={
            <Button variant="filled" leftSection={<IconPlus size={15} />} onClick={() => void addServer()}>
              Add a content server for them
            </Button>
          }
        />
      )}
      <ul className={css.choices} aria-label="Servers">
        {servers.map((spec, i) => (
          <li key={spec.id}>
            <button type="button" data-autofocus={i === 0 || undefined} onClick={() => give(spec.id)}>
              <KindIcon kind={spec.kind} size={24} />
              <span className={css.choiceName}>{spec.name}</span>
              <FileCount node={spec.id} />
            </button>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function FileCount({ node }: { node: string }) {
  const files = useStudio((state) => state.nodes.get(node)?.snapshot.files);
  return (
    <span className={css.note}>{typeof files === 'number' ? `holds ${formatCount(files, 'file')}` : ''}</span>
  );
}

function describe(dropped: DroppedFiles): string {
  if ('paths' in dropped)
    return dropped.paths.length === 1
      ? `“${dropped.paths[0]?.split(/[\\/]/).at(-1)}”`
      : `these ${dropped.paths.length} items`;
  const bytes = dropped.files.reduce((sum, { file }) => sum + file.size, 0);
  const [only] = dropped.files;
  return dropped.files.length === 1 && only
    ? `“${only.name}”`
    : `${formatCount(dropped.files.length, 'file')} (${formatBytes(bytes)})`;
}
