/** What goes over a link, now and in all. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatBytes, formatRate } from '../../format';
import { flowsOn, linksOf, nameOf, pairKey } from '../../graph';
import { usePanel, useStudio } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import { Fact, Facts, Section } from '../../ui/facts';
import css from './inspector.module.css';

export function LinkInspector({ link, children }: { link: string; children?: ReactNode }) {
  const panel = usePanel();
  const specs = useStudio((state) => state.specs);
  const flows = useStudio((state) => state.flows);
  const [a = '', b = ''] = link.split(' ');
  const configured = linksOf(specs.values()).filter(({ from, to }) => pairKey(from, to) === link);
  const live = flowsOn(link, flows.values(), specs);
  return (
    <>
      <div className={css.head}>
        <h2 className={css.heading}>
          {nameOf(a, specs)} – {nameOf(b, specs)}
        </h2>
        <div className={css.actions}>
          {[a, b]
            .filter((id) => specs.has(id))
            .map((id) => (
              <Button key={id} size="compact-sm" onClick={() => panel.show(id)}>
                Show {nameOf(id, specs)}
              </Button>
            ))}
        </div>
      </div>
      <div className={css.content}>
        {children}
        {configured.length > 0 && (
          <Section title="Links">
            <Facts>
              {configured.map(({ from, to, role, field }) => (
                <Fact key={`${from}${field}`} label={role}>
                  {nameOf(from, specs)} → {nameOf(to, specs)}
                </Fact>
              ))}
            </Facts>
          </Section>
        )}
        <Section title="Traffic">
          {live.length === 0 && <EmptyState title="No traffic at the moment." />}
          {live.map((flow) => (
            <Facts key={flow.key}>
              <Fact label="What">
                {flow.role} ({flow.transport.toUpperCase()}), {nameOf(flow.from, specs)} →{' '}
                {nameOf(flow.to, specs)}
              </Fact>
              <Fact label={flow.transport === 'tcp' ? 'Connections' : 'Datagrams'}>
                {flow.opened.toLocaleString()}
                {flow.transport === 'tcp' && `, ${flow.open} open`}
              </Fact>
              <Fact label="Sent">
                {formatBytes(flow.sentBytes)} · {formatRate(flow.sentRate)}
              </Fact>
              <Fact label="Received">
                {formatBytes(flow.receivedBytes)} · {formatRate(flow.receivedRate)}
              </Fact>
            </Facts>
          ))}
        </Section>
      </div>
    </>
  );
}
