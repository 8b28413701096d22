/** Downloads by name: typed, or found in the catalogue. */
import { Autocomplete, Button, Modal, NumberInput, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { manifestOf } from '../../../nodes/manifests';
import { formatBytes } from '../../format';
import { usePanel, useRun, useStudio, useStudioParts } from '../../studio-context';
import css from './dialogs.module.css';

const automatic = '';

export function DownloadDialog({
  name: given,
  client: chosen,
  onClose,
}: {
  name?: string;
  client?: string;
  onClose: () => void;
}) {
  const { client } = useStudioParts();
  const panel = usePanel();
  const run = useRun();
  const specs = useStudio((state) => state.specs);
  const paths = useStudio((state) => state.shell.paths);
  const defaultFolder = useStudio((state) => state.settings.downloadFolder);
  const [name, setName] = useState(given ?? '');
  const [node, setNode] = useState(chosen ?? automatic);
  const [folder, setFolder] = useState('');
  const [sources, setSources] = useState<number>();
  const [words] = useDebouncedValue(name, 120);
  const found = useQuery({
    queryKey: ['catalogue-names', words],
    queryFn: () => client.transport.call('catalogue.list', { search: words, limit: 50 }),
    placeholderData: (old) => old,
  });
  const rows = found.data?.rows ?? [];
  const sizes = new Map(rows.map((row) => [row.name, row]));
  const clients = [...specs.values()].filter((spec) => manifestOf(spec.kind)?.downloads);
  // Whoever is chosen automatically has to be able to do it, too.
  const possible = node ? clients.filter(({ id }) => id === node) : clients;
  const takesSources = possible.every(({ kind }) => manifestOf(kind)?.sources);

  const submit = async (): Promise<void> => {
    if (!name.trim()) return;
    onClose();
    panel.openDock('transfers');
    await run('transfers.download', {
      name: name.trim(),
      ...(node ? { client: node } : {}),
      ...(folder ? { folder } : {}),
      ...(takesSources && sources !== undefined ? { sources } : {}),
    });
  };

  return (
    <Modal opened onClose={onClose} title="Download a file" size={460}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Autocomplete
          label="File name"
          size="xs"
          placeholder="hello.txt"
          data-autofocus
          value={name}
          onChange={setName}
          data={rows.map((row) => row.name)}
          filter={({ options }) => options}
          limit={50}
          maxDropdownHeight={220}
          comboboxProps={{ shadow: 'md' }}
          renderOption={({ option }) => {
            const row = sizes.get(option.value);
            return (
              <span className={css.option}>
                <span>{option.value}</span>
                <span>{row && formatBytes(row.size)}</span>
              </span>
            );
          }}
        />
        <Select
          label="Client"
          description="The node that downloads. Automatic takes one that can reach an index, or adds one."
          allowDeselect={false}
          value={node}
          onChange={(value) => setNode(value ?? automatic)}
          data={[
            { value: automatic, label: 'Automatic' },
            ...clients.map((spec) => ({ value: spec.id, label: spec.name })),
          ]}
        />
        {takesSources && (
          <NumberInput
            label="Sources at once"
            description="Servers or peers, at most, for a large file. 1: the one that index or balancer choose."
            placeholder="As the client is set"
            value={sources ?? ''}
            onChange={(value) => setSources(typeof value === 'number' ? value : undefined)}
            allowDecimal={false}
            min={1}
            max={50}
            clampBehavior="strict"
          />
        )}
        {paths && (
          <TextInput
            label="Save to"
            placeholder={defaultFolder || 'The folder of the client'}
            value={folder}
            onChange={(event) => setFolder(event.currentTarget.value)}
            rightSectionWidth={72}
            rightSection={
              <Button
                size="compact-xs"
                onClick={() =>
                  void run('shell.choose', { what: 'folder', title: 'Save to' }).then((picked) =>
                    picked?.[0] ? setFolder(picked[0]) : undefined,
                  )
                }
              >
                Choose…
              </Button>
            }
          />
        )}
        <footer className={css.footer}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" disabled={!name.trim()}>
            Download
          </Button>
        </footer>
      </form>
    </Modal>
  );
}
