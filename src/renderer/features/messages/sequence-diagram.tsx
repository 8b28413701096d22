/** The messages as a sequence diagram: a lifeline for each node, an arrow for each message, time downwards. */
import { useElementSize } from '@mantine/hooks';
import { type KeyboardEvent, memo, useEffect, useMemo, useRef } from 'react';
import { formatTime } from '../../format';
import { isOutside, nameOf } from '../../graph';
import { useStudio } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import type { Arrow } from './arrows';
import {
  crossPath,
  firstLine,
  headPath,
  laneX,
  maxRows,
  measures,
  type Sequence,
  sequenceOf,
  shaftPath,
} from './sequence';
import css from './sequence-diagram.module.css';

export function SequenceDiagram({ arrows, follow }: { arrows: readonly Arrow[]; follow: boolean }) {
  const specs = useStudio((state) => state.specs);
  const { ref: frame, width: room } = useElementSize();
  const sequence = useMemo(() => sequenceOf(arrows, [...specs.keys()], room), [arrows, specs, room]);
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const newest = sequence.rows.at(-1)?.seq;
  useEffect(() => {
    const element = scroller.current;
    if (follow && atEnd.current && newest !== undefined && element) element.scrollTop = element.scrollHeight;
  }, [follow, newest]);

  if (sequence.rows.length === 0)
    return (
      <EmptyState title="No messages.">
        Lines and datagrams that nodes exchange while this is open are drawn here, if they pass the filters.
      </EmptyState>
    );
  return (
    <div ref={frame} className={css.frame}>
      <div
        ref={scroller}
        className={css.scroller}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < measures.row;
        }}
      >
        <div className={css.lanes} style={{ width: sequence.width }}>
          <div className={css.head} style={{ height: measures.head }} aria-hidden="true">
            {sequence.lanes.map((id, i) => (
              <span
                key={id}
                className={css.lane}
                data-outside={isOutside(id) || undefined}
                style={{ left: laneX(i, sequence), maxWidth: sequence.laneWidth - 12 }}
                title={nameOf(id, specs)}
              >
                {nameOf(id, specs)}
              </span>
            ))}
          </div>
          <Lifelines sequence={sequence} />
          <ol className={css.rows} aria-label="Sequence of messages" onKeyDown={moveFocus}>
            {sequence.rows.map((arrow, i) => (
              <Row
                key={arrow.seq}
                arrow={arrow}
                start={laneX(sequence.lanes.indexOf(arrow.from), sequence)}
                end={laneX(sequence.lanes.indexOf(arrow.to), sequence)}
                least={sequence.laneWidth}
                title={titleOf(arrow, (id) => nameOf(id, specs))}
                isTabStop={i === sequence.rows.length - 1}
              />
            ))}
          </ol>
        </div>
        {arrows.length > maxRows && (
          <p className={css.more}>The newest {maxRows} are drawn; the list has all.</p>
        )}
      </div>
    </div>
  );
}

function Lifelines({ sequence }: { sequence: Sequence }) {
  const { lanes, rows, width } = sequence;
  const height = rows.length * measures.row;
  return (
    <svg
      className={css.lines}
      width={width}
      height={height}
      style={{ top: measures.head }}
      aria-hidden="true"
    >
      {lanes.map((id, i) => (
        <path key={id} d={`M${laneX(i, sequence)} 0V${height}`} data-outside={isOutside(id) || undefined} />
      ))}
    </svg>
  );
}

interface RowProps {
  arrow: Arrow;
  /** Pixels from the left. */
  start: number;
  end: number;
  /** Width of the text. */
  least: number;
  title: string;
  isTabStop: boolean;
}

const Row = memo(function Row({ arrow, start, end, least, title, isTabStop }: RowProps) {
  const left = Math.min(start, end);
  const span = Math.max(Math.abs(end - start), least);
  return (
    <li
      className={css.row}
      style={{ height: measures.row }}
      tabIndex={isTabStop ? 0 : -1}
      aria-label={title}
      title={title}
    >
      <time style={{ width: measures.time }}>{formatTime(arrow.at, true)}</time>
      <span className={css.text} style={{ left, width: span }} data-lost={arrow.lost}>
        {firstLine(arrow.text)}
        {arrow.lost
          ? ' · not received'
          : arrow.tookMs !== undefined && arrow.tookMs >= 10 && ` · ${arrow.tookMs} ms`}
      </span>
      <svg className={css.arrow} width="100%" height={measures.row} aria-hidden="true">
        <path d={shaftPath(start, end)} data-transport={arrow.transport} data-lost={arrow.lost} />
        <path d={headPath(start, end)} data-transport={arrow.transport} data-lost={arrow.lost} />
        {arrow.lost && <path className={css.cross} d={crossPath(start, end)} />}
      </svg>
    </li>
  );
});

function titleOf(
  { at, from, to, transport, text, tookMs, lost }: Arrow,
  name: (id: string) => string,
): string {
  const way = `${formatTime(at, true)}, ${name(from)} to ${name(to)}, ${transport.toUpperCase()}`;
  const fate = lost
    ? `, not received by ${name(to)}`
    : tookMs === undefined
      ? ''
      : `, received after ${tookMs} ms`;
  return `${way}: ${text}${fate}`;
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const row = (event.target as HTMLElement).closest('li');
  const rows = event.currentTarget.children;
  const target = {
    ArrowDown: row?.nextElementSibling,
    ArrowUp: row?.previousElementSibling,
    Home: rows[0],
    End: rows[rows.length - 1],
  }[event.key];
  if (!(target instanceof HTMLElement)) return;
  event.preventDefault();
  target.focus();
}
