import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { ClientSnapshot } from '../../../../nodes/client/manifest';
import { formatBytes } from '../../../format';
import { sameItems } from '../../../store';
import { useNodeView, usePanel, useStudio } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Section } from '../../../ui/facts';
import css from './server-list.module.css';

export function ClientOverview({ node }: { node: string }) {
  const panel = usePanel();
  const { active = 0, done = 0, failed = 0 } = (useNodeView(node)?.snapshot ?? {}) as Partial<ClientSnapshot>;
  const transfers = useStudio(
    (state) =>
      [...state.transfers.values()]
        .filter((transfer) => transfer.client === node)
        .reverse()
        .slice(0, 8),
    sameItems,
  );
  return (
    <Section
      title="Downloads"
      aside={
        <Button
          size="compact-sm"
          leftSection={<IconDownload size={14} />}
          onClick={() => panel.open({ kind: 'download', client: node })}
        >
          Download…
        </Button>
      }
    >
      <p className={css.muted} style={{ margin: '0 0 4px' }}>
        {active} active · {done} done · {failed} failed
      </p>
      {transfers.length === 0 && <EmptyState title="This client has downloaded nothing yet." />}
      <ul className={css.list}>
        {transfers.map((transfer) => (
          <li key={transfer.id} className={css.server}>
            <div className={css.line}>
              <button type="button" className={css.name} onClick={() => panel.openDock('transfers')}>
                {transfer.name}
              </button>
              <span className={css.spring} />
              <span className={css.muted}>
                {transfer.phase} · {formatBytes(transfer.bytes)}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
