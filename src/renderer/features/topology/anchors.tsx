/** The points that React Flow wants a link to begin and end at. Unseen: links are drawn from border to border. */
import { Handle, Position } from '@xyflow/react';
import css from './anchors.module.css';

export function Anchors() {
  return (
    <>
      <Handle type="source" position={Position.Right} isConnectable={false} className={css.anchor} />
      <Handle type="target" position={Position.Left} isConnectable={false} className={css.anchor} />
    </>
  );
}
