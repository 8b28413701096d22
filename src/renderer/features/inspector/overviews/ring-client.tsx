import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { RingClientOperations, RingClientSnapshot } from '../../../../nodes/ring-client/manifest';
import { formatBytes } from '../../../format';
import { useNodeState, useNodeView, useRun } from '../../../studio-context';
import { Section } from '../../../ui/facts';
import { CancelButton } from './cancel-button';
import css from './server-list.module.css';

export function RingClientOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<RingClientSnapshot>;
  const { active = 0, gets = 0, puts = 0, failed = 0 } = snapshot;
  const running = useNodeState(node) === 'running';
  const run = useRun();
  const [name, setName] = useState('');
  const [outcome, setOutcome] = useState('');
  const get = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setOutcome('');
    const got = await run('nodes.operate', { id: node, operation: 'get', input: { name } });
    if (!got) return;
    const { path, size } = got as RingClientOperations['get']['output'];
    setOutcome(`${formatBytes(size)} saved to ${path}`);
  };
  return (
    <Section title="Get from the ring">
      <form onSubmit={(event) => void get(event)} className={css.line}>
        <TextInput
          size="xs"
          aria-label="Name of the file"
          placeholder="Name of the file"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          style={{ flex: 1 }}
        />
        <Button type="submit" size="xs" disabled={!running || name === ''} loading={active > 0}>
          Get
        </Button>
        {active > 0 && <CancelButton node={node} />}
      </form>
      <p className={css.muted} aria-live="polite">
        {outcome || `${active > 0 ? `${active} active · ` : ''}${gets} got · ${puts} put · ${failed} failed`}
      </p>
    </Section>
  );
}
