/** A link: a plain straight line from card to card. What moves on it is drawn by the overlay. */
import { BaseEdge, type Edge, type EdgeProps, type InternalNode, useInternalNode } from '@xyflow/react';
import { type CSSProperties, memo } from 'react';
import type { LinkMark } from '../../fault-links';
import { FaultBadge } from './fault-badge';
import { type Box, lineBetween, pointOn } from './geometry';
import css from './link-edge.module.css';
import { linkLooks, transientDash } from './link-looks';

export type LinkFlowEdge = Edge<
  { label: string; transient: boolean; showLabel: boolean; mark?: LinkMark | undefined },
  'link'
>;

/** What makes the element that React Flow draws around a link a stop for keyboards and screen readers. */
export function linkAttributes(link: {
  id: string;
  title: string;
  description: string | undefined;
  isSelected: boolean;
  isTabStop: boolean;
}): Pick<Edge, 'ariaRole' | 'ariaLabel' | 'domAttributes'> {
  return {
    ariaRole: 'group',
    ariaLabel: link.title,
    domAttributes: {
      'aria-roledescription': 'link between nodes',
      'aria-description': link.description,
      'aria-current': link.isSelected || undefined,
      tabIndex: link.isTabStop ? 0 : -1,
      'data-link': link.id,
    } as Edge['domAttributes'],
  };
}

export function boxOf(node: InternalNode): Box {
  return {
    x: node.internals.positionAbsolute.x,
    y: node.internals.positionAbsolute.y,
    width: node.measured.width ?? node.width ?? 0,
    height: node.measured.height ?? node.height ?? 0,
  };
}

/** What differs from link to link, for the style sheet. */
function styleOf(mark: LinkMark | undefined, transient: boolean | undefined): CSSProperties {
  const look = mark && linkLooks[mark.look];
  return {
    '--dash': look?.dash ?? (transient ? transientDash : 'none'),
    ...(look && {
      '--look': `var(--${look.tone})`,
      '--look-width': look.width,
      '--look-opacity': look.opacity ?? 1,
    }),
  } as CSSProperties;
}

export const LinkEdge = memo(function LinkEdge({
  id,
  source,
  target,
  data,
  selected,
}: EdgeProps<LinkFlowEdge>) {
  const from = useInternalNode(source);
  const to = useInternalNode(target);
  const line = from && to ? lineBetween(boxOf(from), boxOf(to)) : null;
  if (!line) return null;
  const mark = data?.mark;
  const middle = pointOn(line, 0.5);
  // A transfer mostly crosses other links in its middle, where their labels are.
  const label = data?.transient ? pointOn(line, 0.28) : middle;
  return (
    <>
      <BaseEdge
        id={id}
        path={`M${line.x1} ${line.y1}L${line.x2} ${line.y2}`}
        interactionWidth={18}
        className={css.line}
        style={styleOf(mark, data?.transient)}
        data-selected={selected || undefined}
        data-look={mark?.look}
      />
      {mark && <FaultBadge mark={mark} at={middle} />}
      {(data?.showLabel || selected) && (
        <text className={css.label} x={label.x} y={label.y} dy={mark ? '-15' : '-5'}>
          {data?.label}
        </text>
      )}
    </>
  );
});
