/** What a client downloads: how many, the way to one more, and the list of them. */
import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { Children, type ReactNode } from 'react';
import { usePanel } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Section } from '../../../ui/facts';
import css from './server-list.module.css';

export function DownloadsSection({
  node,
  counts: { active = 0, done = 0, failed = 0 },
  empty,
  children,
}: {
  node: string;
  counts: { active?: number; done?: number; failed?: number };
  /** Said while there is nothing in the list. */
  empty: string;
  /** The items of the list. */
  children: ReactNode;
}) {
  const panel = usePanel();
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
      {Children.count(children) === 0 && <EmptyState title={empty} />}
      <ul className={css.list}>{children}</ul>
    </Section>
  );
}
