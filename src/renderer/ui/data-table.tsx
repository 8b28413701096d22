// biome-ignore-all lint/a11y/useSemanticElements: rows that do not exist cannot be laid out by a <table>.
/**
 * A grid of any length: only the rows in view exist. Rows may come late (`row` gives undefined until they
 * are there). One tab stop; arrows, Home, End, Page keys move; Space and Shift select; Enter opens.
 */
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { type FittedColumn, fittingColumns, leastWidth } from './column-fit';
import css from './data-table.module.css';

export interface Column<Row> extends FittedColumn {
  id: string;
  header: string;
  /** For columns of buttons, which need no heading where they are seen. */
  headerUnseen?: boolean;
  align?: 'end';
  sortable?: boolean;
  /** `active`: the row has the keyboard, so its buttons may be tab stops. */
  cell: (row: Row, active: boolean) => ReactNode;
}

export interface DataTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  total: number;
  row: (index: number) => Row | undefined;
  keyOf: (row: Row) => string;
  rowHeight?: number;
  sort?: { by: string; descending: boolean };
  onSort?: (by: string) => void;
  selected?: ReadonlySet<string>;
  /** Called with the keys that are selected after a click or key. */
  onSelect?: (keys: string[]) => void;
  onOpen?: (row: Row) => void;
  onMenu?: (row: Row, at: { x: number; y: number }) => void;
  /** Keys that the table itself has no use for; return true when taken. */
  onKey?: (event: KeyboardEvent, row: Row | undefined) => boolean;
  /** Tells which rows are in view, so that they can be fetched. */
  onRange?: (first: number, last: number) => void;
  rowClass?: (row: Row) => string | undefined;
  /** Stays at the newest row while the reader is at the end. */
  follow?: boolean;
  /** Scrolls to this index when it changes. */
  scrollTo?: number | undefined;
  empty?: ReactNode;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { total, row, keyOf, rowHeight = 30, sort, selected, follow, onRange } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const columns = useMemo(() => fittingColumns(props.columns, width), [props.columns, width]);
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const atEnd = useRef(true);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const template = columns.map((column) => column.width).join(' ');
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => onRange?.(first, last), [onRange, first, last]);

  useEffect(() => {
    if (follow && atEnd.current && total > 0) virtual.scrollToIndex(total - 1, { align: 'end' });
  }, [follow, total, virtual]);

  const { scrollTo } = props;
  useEffect(() => {
    if (scrollTo === undefined || scrollTo < 0) return;
    atEnd.current = false;
    setActive(scrollTo);
    virtual.scrollToIndex(scrollTo, { align: 'auto' });
  }, [scrollTo, virtual]);

  const activeIndex = Math.min(active, Math.max(0, total - 1));

  const focusRow = (index: number): void => {
    const target = Math.max(0, Math.min(total - 1, index));
    setActive(target);
    virtual.scrollToIndex(target);
    // The row may not be drawn until the scroll position has changed.
    requestAnimationFrame(() =>
      scroller.current
        ?.querySelector<HTMLElement>(`[data-index="${target}"]`)
        ?.focus({ preventScroll: true }),
    );
  };

  const selectRange = (from: number, to: number): void => {
    const keys = [];
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) {
      const item = row(i);
      if (item) keys.push(keyOf(item));
    }
    props.onSelect?.(keys);
  };

  const toggle = (item: Row): void => {
    const next = new Set(selected);
    const key = keyOf(item);
    if (!next.delete(key)) next.add(key);
    props.onSelect?.([...next]);
  };

  const onClick = (event: MouseEvent<HTMLElement>, index: number, item: Row): void => {
    setActive(index);
    // The press gave the keyboard to a cell, which has no keys.
    if ((event.target as HTMLElement).closest('button, a, input') === null)
      event.currentTarget.focus({ preventScroll: true });
    if (event.shiftKey) return selectRange(anchor.current, index);
    anchor.current = index;
    if (event.ctrlKey || event.metaKey) toggle(item);
    else props.onSelect?.([keyOf(item)]);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // Buttons inside a row have their own keys.
    if (!(event.target as HTMLElement).matches('[role="row"]')) return;
    const item = row(activeIndex);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / rowHeight) - 2);
    const steps: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex - 1,
      PageDown: activeIndex + page,
      PageUp: activeIndex - page,
      Home: 0,
      End: total - 1,
    };
    const target = steps[event.key];
    if (target !== undefined) {
      focusRow(target);
      if (event.shiftKey) selectRange(anchor.current, Math.max(0, Math.min(total - 1, target)));
      else anchor.current = Math.max(0, target);
    } else if (event.key === ' ' && item) toggle(item);
    else if (event.key === 'Enter' && item) props.onOpen?.(item);
    else if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey) && props.onSelect)
      selectRange(0, total - 1);
    else if (!props.onKey?.(event, item)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onMenu = (event: MouseEvent<HTMLElement>, index: number, item: Row): void => {
    if (!props.onMenu) return;
    event.preventDefault();
    setActive(index);
    const key = keyOf(item);
    if (!selected?.has(key)) props.onSelect?.([key]);
    props.onMenu(item, pointOf(event));
  };

  const on = useStable<RowEvents<Row>>({
    focus: setActive,
    click: onClick,
    open: props.onOpen,
    menu: onMenu,
  });

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={props.label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      aria-multiselectable={props.onSelect ? true : undefined}
      className={css.table}
      style={
        {
          '--columns': template,
          '--row-height': `${rowHeight}px`,
          '--least-width': `${leastWidth(columns)}px`,
        } as React.CSSProperties
      }
      onKeyDown={onKeyDown}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < rowHeight;
      }}
    >
      <div role="row" aria-rowindex={1} tabIndex={-1} className={css.head}>
        {columns.map((column) => (
          <div
            key={column.id}
            role="columnheader"
            tabIndex={-1}
            className={css.cell}
            data-align={column.align}
            aria-sort={sort?.by !== column.id ? undefined : sort.descending ? 'descending' : 'ascending'}
          >
            {column.sortable && props.onSort ? (
              <button type="button" className={css.sort} onClick={() => props.onSort?.(column.id)}>
                {column.header}
                {sort?.by === column.id &&
                  (sort.descending ? <IconChevronDown size={12} /> : <IconChevronUp size={12} />)}
              </button>
            ) : (
              <span className={column.headerUnseen ? 'unseen' : undefined}>{column.header}</span>
            )}
          </div>
        ))}
      </div>
      {total === 0 ? (
        <div className={css.empty}>{props.empty}</div>
      ) : (
        <div role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const item = row(index);
            const key = item === undefined ? undefined : keyOf(item);
            const isSelected = key !== undefined && selected?.has(key);
            return (
              <DataRow
                key={index}
                index={index}
                start={start}
                item={item}
                columns={columns}
                selected={props.onSelect ? Boolean(isSelected) : undefined}
                active={index === activeIndex}
                look={(item !== undefined && props.rowClass?.(item)) || ''}
                on={on}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}

interface RowEvents<Row> {
  focus(index: number): void;
  click(event: MouseEvent<HTMLElement>, index: number, item: Row): void;
  open: ((item: Row) => void) | undefined;
  menu(event: MouseEvent<HTMLElement>, index: number, item: Row): void;
}

interface DataRowProps<Row> {
  index: number;
  /** Pixels from the beginning of the list. */
  start: number;
  item: Row | undefined;
  columns: readonly Column<Row>[];
  /** Undefined where rows cannot be selected. */
  selected: boolean | undefined;
  active: boolean;
  look: string;
  on: { readonly current: RowEvents<Row> };
}

/** Drawn when something of it changes, and not with every step of a scroll. */
const DataRow = memo(function DataRow<Row>({
  index,
  start,
  item,
  columns,
  selected,
  active,
  look,
  on,
}: DataRowProps<Row>) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys of its rows.
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-index={index}
      tabIndex={active ? 0 : -1}
      className={`${css.row} ${look}`}
      style={{ transform: `translateY(${start}px)` }}
      onFocus={(event) => event.target === event.currentTarget && on.current.focus(index)}
      onClick={(event) => item !== undefined && on.current.click(event, index, item)}
      onDoubleClick={() => item !== undefined && on.current.open?.(item)}
      onContextMenu={(event) => item !== undefined && on.current.menu(event, index, item)}
    >
      {columns.map((column) => (
        <div key={column.id} role="gridcell" tabIndex={-1} className={css.cell} data-align={column.align}>
          {item === undefined ? <span className={css.late} /> : column.cell(item, active)}
        </div>
      ))}
    </div>
  );
}) as <Row>(props: DataRowProps<Row>) => ReactNode;

/** The newest of what is made anew in each picture, in a place that stays the same. */
function useStable<Value>(value: Value): { readonly current: Value } {
  const place = useRef(value);
  useLayoutEffect(() => {
    place.current = value;
  });
  return place;
}

/** Of the room within an element, without its scroll bar, before the first picture and whenever it changes. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(Number.POSITIVE_INFINITY);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const measure = (): void => setWidth(current.clientWidth);
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(current);
    return () => resized.disconnect();
  }, [element]);
  return width;
}

/** Where a menu opens: at the pointer, or below the element when the key was pressed. */
export function pointOf(event: MouseEvent): { x: number; y: number } {
  if (event.clientX !== 0 || event.clientY !== 0) return { x: event.clientX, y: event.clientY };
  const box = event.currentTarget.getBoundingClientRect();
  return { x: box.left + 24, y: box.bottom };
}
