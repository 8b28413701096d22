import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { ReplicaClientSnapshot } from '../../../../nodes/replica-client/manifest';
import { formatBytes, formatCount, formatSpan } from '../../../format';
import { isAlive } from '../../../node-state';
import { useNodeState, useNodeView, useRun } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Fact, Facts, Section } from '../../../ui/facts';
import { useNow } from '../../../ui/use-now';
import { CancelButton } from './cancel-button';
import css from './server-list.module.css';

export function ReplicaClientOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<ReplicaClientSnapshot>;
  const { active = 0, done = 0, failed = 0, last, drainingSince } = snapshot;
  const state = useNodeState(node);
  const running = state === 'running';
  const now = useNow(1000, state === 'draining');
  const run = useRun();
  return (
    <Section
      title="Page"
      aside={
        <span className={css.line}>
          {active > 0 && <CancelButton node={node} />}
          <Button
            size="compact-sm"
            leftSection={<IconDownload size={14} />}
            disabled={!running}
            loading={active > 0}
            onClick={() => void run('nodes.operate', { id: node, operation: 'fetch', input: {} })}
          >
            Get the page
          </Button>
        </span>
      }
    >
      <p className={css.muted} style={{ margin: '0 0 4px' }}>
        {active} active · {done} done · {failed} failed
      </p>
      {state === 'draining' && drainingSince !== undefined && (
        <Facts>
          <Fact label="Draining">
            for {formatSpan(Math.max(0, now - drainingSince))}; {formatCount(active, 'page')} still coming
          </Fact>
        </Facts>
      )}
      {last ? (
        <Facts>
          <Fact label="From">{last.replica}</Fact>
          <Fact label="Size">
            {formatBytes(last.bytes)} in {formatSpan(last.milliseconds)}
          </Fact>
          <Fact label="Verified">{last.verified}</Fact>
          <Fact label="Saved to">{last.path}</Fact>
          {last.marks.length > 0 && <Fact label="On the way">{last.marks.join('; ')}</Fact>}
        </Facts>
      ) : (
        <EmptyState title={isAlive(state) ? 'This client has got no page yet.' : 'Not running.'} />
      )}
    </Section>
  );
}
