import { Button, Modal, NumberInput, SegmentedControl, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Settings } from '../../../contract/settings';
import { useRun, useStudio } from '../../studio-context';
import { Fact, Facts } from '../../ui/facts';
import css from './settings.module.css';

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const run = useRun();
  const settings = useStudio((state) => state.settings);
  const shell = useStudio((state) => state.shell);
  const set = (change: Partial<Omit<Settings, 'version'>>): void =>
    void run('settings.set', { settings: change });
  return (
    <Modal opened onClose={onClose} title="Settings" size={520}>
      <div className={css.settings}>
        <div className={css.row}>
          <span id="theme-label">Theme</span>
          <SegmentedControl
            aria-labelledby="theme-label"
            value={settings.theme}
            onChange={(theme) => set({ theme: theme as Settings['theme'] })}
            data={[
              { value: 'system', label: 'System' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
          />
        </div>
        <Switch
          label="Animate traffic"
          description="Off, streams are drawn as still lines. The system's wish for less motion is always followed."
          checked={settings.animate}
          onChange={(event) => set({ animate: event.currentTarget.checked })}
        />
        <DownloadFolder
          value={settings.downloadFolder}
          onChange={(downloadFolder) => set({ downloadFolder })}
        />
        <Deadline
          label="A start is late after"
          value={settings.startDeadlineMs}
          min={1000}
          max={120_000}
          onChange={(startDeadlineMs) => set({ startDeadlineMs })}
        />
        <Deadline
          label="A stop is late after"
          value={settings.stopDeadlineMs}
          min={500}
          max={120_000}
          onChange={(stopDeadlineMs) => set({ stopDeadlineMs })}
        />
        <Deadline
          label="A drain is late after"
          value={settings.drainDeadlineMs}
          min={1000}
          max={3_600_000}
          onChange={(drainDeadlineMs) => set({ drainDeadlineMs })}
        />
        <Facts>
          <Fact label="Version">
            {shell.version}, {shell.kind === 'electron' ? 'desktop' : 'in the browser'}
          </Fact>
          <Fact label="Kept in">{shell.dataFolder}</Fact>
        </Facts>
      </div>
    </Modal>
  );
}

function DownloadFolder({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const run = useRun();
  const paths = useStudio((state) => state.shell.paths);
  const [draft, setDraft] = useState(value);
  return (
    <TextInput
      label="Downloads go to"
      description="Empty: a folder beside the workspace."
      value={draft}
      spellCheck={false}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={() => draft !== value && onChange(draft)}
      rightSectionWidth={paths ? 72 : 0}
      rightSection={
        paths ? (
          <Button
            size="compact-xs"
            onClick={() =>
              void run('shell.choose', { what: 'folder', title: 'Downloads' }).then((chosen) => {
                if (!chosen?.[0]) return;
                setDraft(chosen[0]);
                onChange(chosen[0]);
              })
            }
          >
            Choose…
          </Button>
        ) : null
      }
    />
  );
}

function Deadline({
  label,
  value,
  min,
  max,
  onChange,
}: {
  label: string;
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
}) {
  const [draft, setDraft] = useState<number | string>(value);
  const valid = typeof draft === 'number' && draft >= min && draft <= max;
  return (
    <NumberInput
      label={label}
      suffix=" ms"
      thousandSeparator=" "
      value={draft}
      error={valid ? undefined : `Between ${min.toLocaleString()} and ${max.toLocaleString()} ms.`}
      step={500}
      onChange={setDraft}
      onBlur={() => valid && draft !== value && onChange(draft)}
    />
  );
}
