/** A node's log: followed, searched, copied, saved. */
import { ActionIcon, Select, Tooltip } from '@mantine/core';
import { IconCopy, IconDownload } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { LogLine } from '../../../contract/events';
import { copyText } from '../../copy-text';
import { saveFile } from '../../export/save-file';
import { formatTime } from '../../format';
import { notify, notifyError } from '../../notify';
import { useNodeSpec, useStudio, useStudioParts } from '../../studio-context';
import { reduce } from '../../studio-store';
import { EmptyState } from '../../ui/empty-state';
import { SearchField } from '../../ui/search-field';
import css from './logs.module.css';

const noLines: readonly LogLine[] = [];
const severity: Record<LogLine['level'], number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function LogsTab({ node }: { node: string }) {
  const { client, store } = useStudioParts();
  const spec = useNodeSpec(node);
  const lines = useStudio((state) => state.logs.get(node) ?? noLines);
  const [search, setSearch] = useState('');
  const [least, setLeast] = useState<LogLine['level']>('debug');
  const words = useDeferredValue(search).trim().toLowerCase();

  useEffect(() => {
    let gone = false;
    void client.transport
      .call('logs.list', { node, limit: 1000 })
      .then((old) => {
        if (!gone) store.set(reduce(store.get(), { type: 'history', logs: { node, lines: old } }));
      })
      .catch(() => undefined); // The live lines still come; the old ones are a convenience.
    return () => {
      gone = true;
    };
  }, [client, store, node]);

  const shown = useMemo(
    () =>
      lines.filter(
        (line) =>
          severity[line.level] >= severity[least] && (!words || line.text.toLowerCase().includes(words)),
      ),
    [lines, least, words],
  );
  const text = (): string =>
    shown.map((line) => `${new Date(line.at).toISOString()} ${line.level.padEnd(5)} ${line.text}`).join('\n');
  const copy = async (): Promise<void> => {
    try {
      await copyText(text());
      notify({ level: 'good', title: 'Log copied' });
    } catch (error) {
      notifyError(error);
    }
  };

  return (
    <div className={css.tab}>
      <div className={css.bar}>
        <SearchField label="Search the log" value={search} onChange={setSearch} width="100%" />
        <Select
          aria-label="Least level"
          w={96}
          allowDeselect={false}
          value={least}
          data={[
            { value: 'debug', label: 'All' },
            { value: 'info', label: 'Info +' },
            { value: 'warn', label: 'Warn +' },
            { value: 'error', label: 'Errors' },
          ]}
          onChange={(value) => value && setLeast(value)}
        />
        <Tooltip label="Copy what is shown">
          <ActionIcon aria-label="Copy log" onClick={() => void copy()}>
            <IconCopy size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Save what is shown">
          <ActionIcon aria-label="Save log" onClick={() => saveFile(`${spec?.name ?? node}.log`, text())}>
            <IconDownload size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      {shown.length === 0 ? (
        <EmptyState title={lines.length === 0 ? 'No log lines yet.' : 'No line matches.'} />
      ) : (
        <Lines lines={shown} label={`Log of ${spec?.name ?? node}`} />
      )}
    </div>
  );
}

/** Wrapped lines of any height; stays at the newest while the reader is at the end. */
function Lines({ lines, label }: { lines: readonly LogLine[]; label: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    overscan: 20,
    getItemKey: (index) => lines[index]?.seq ?? index,
  });
  const count = lines.length;
  useEffect(() => {
    if (atEnd.current && count > 0) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [count, virtual]);
  return (
    <div
      ref={scroller}
      role="log"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
      tabIndex={0}
      className={css.scroller}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      <div className={css.lines} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index];
          return line ? (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              data-level={line.level}
              className={css.line}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <time>{formatTime(line.at)}</time>
              <span className={css.level}>{line.level}</span>
              <span className={css.text}>{line.text}</span>
            </div>
          ) : null;
        })}
      </div>
    </div>
  );
}
