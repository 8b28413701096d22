/** A program that is not ours: a foreign server that registered at our index, or an address in a link. */
import { IconWorldQuestion } from '@tabler/icons-react';
import type { Node, NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { Anchors } from './anchors';
import css from './outside-card.module.css';

export type OutsideFlowNode = Node<{ label: string; address: string }, 'outside'>;

export const outsideSize = { width: 168, height: 46 } as const;

export const OutsideCard = memo(function OutsideCard({ data, selected }: NodeProps<OutsideFlowNode>) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no card; the group names what is in it.
    <div
      role="group"
      aria-label={`${data.label}, outside program at ${data.address}`}
      className={css.card}
      data-selected={selected || undefined}
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
