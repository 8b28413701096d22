/** A program that is not ours: a foreign server that registered at our index, or an address in a link. */
import { IconWorldQuestion } from '@tabler/icons-react';
import type { Node, NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { usePanel, usePanelState } from '../../studio-context';
import { Anchors } from './anchors';
import css from './outside-card.module.css';

export type OutsideFlowNode = Node<{ label: string; address: string }, 'outside'>;

export const outsideSize = { width: 168, height: 46 } as const;

export const OutsideCard = memo(function OutsideCard({ id, data, selected }: NodeProps<OutsideFlowNode>) {
  const panel = usePanel();
  const isTabStop = usePanelState((state) => state.selection[0] === id);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no card; the group names what is in it.
    <div
      role="group"
      data-node={id}
      aria-label={`${data.label}, outside program at ${data.address}`}
      aria-current={selected || undefined}
      tabIndex={isTabStop ? 0 : -1}
      className={css.card}
      data-selected={selected || undefined}
      onFocus={({ target }) => {
        if (target.matches(':focus-visible') && !panel.get().selection.includes(id)) panel.select([id]);
      }}
    >
      <Anchors />
      <IconWorldQuestion size={18} stroke={1.5} aria-hidden="true" />
      <div className={css.names}>
        <div className={css.name}>{data.label}</div>
        <div className={css.address}>{data.address}</div>
      </div>
    </div>
  );
});
