/** Saves what is shown as a file: at once, or in the format that is chosen. */
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { type CsvColumn, csvOf } from '../export/csv';
import { pngOf } from '../export/raster';
import { saveFile } from '../export/save-file';
import { notifyError } from '../notify';

export interface ExportFormat {
  /** CSV, SVG, PNG. */
  label: string;
  save: () => void | Promise<void>;
}

interface ExportButtonProps {
  /** What is saved, in words: 'these messages'. */
  what: string;
  formats: readonly ExportFormat[];
  disabled?: boolean;
  /** A sign without a word, where there is little room. */
  compact?: boolean;
}

export function ExportButton({ what, formats, disabled = false, compact = false }: ExportButtonProps) {
  const save = ({ save: run }: ExportFormat): void => {
    void Promise.resolve().then(run).catch(notifyError);
  };
  const [only] = formats;
  const several = formats.length > 1;
  const shared = {
    disabled,
    'aria-label': `Export ${what}`,
    ...(several || !only ? {} : { onClick: () => save(only) }),
  };
  const hint = several ? `Save ${what} as a file` : `Save ${what} as a file (${only?.label})`;
  const button = (
    <Tooltip label={hint}>
      {compact ? (
        <ActionIcon {...shared}>
          <IconDownload size={15} />
        </ActionIcon>
      ) : (
        <Button {...shared} leftSection={<IconDownload size={14} />}>
          Export
        </Button>
      )}
    </Tooltip>
  );
  if (!several) return button;
  return (
    <Menu position="bottom-end">
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown aria-label={`Export ${what}`}>
        {formats.map((format) => (
          <Menu.Item key={format.label} onClick={() => save(format)}>
            {format.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** For a list that stands in a section of the inspector, where there is little room. */
export function ExportList<Row>({
  name,
  columns,
  rows,
  all = () => rows,
}: {
  /** What is saved, and the name of the file: 'decisions'. */
  name: string;
  columns: readonly CsvColumn<Row>[];
  /** What is shown; without any, there is nothing to save. */
  rows: readonly Row[];
  /** Fetches those too that are not shown. */
  all?: () => Promise<readonly Row[]> | readonly Row[];
}) {
  return (
    <ExportButton
      compact
      what={`the ${name}`}
      disabled={rows.length === 0}
      formats={[asCsv(name, columns, all)]}
    />
  );
}

/** @param rows may ask for those that are not here yet */
export function asCsv<Row>(
  name: string,
  columns: readonly CsvColumn<Row>[],
  rows: () => Iterable<Row> | Promise<Iterable<Row>>,
): ExportFormat {
  return {
    label: 'CSV',
    save: async () => saveFile(`${name}.csv`, csvOf(columns, await rows()), 'text/csv;charset=utf-8'),
  };
}

export function asJsonLines(name: string, rows: readonly unknown[]): ExportFormat {
  return {
    label: 'JSON lines',
    save: () => saveFile(`${name}.jsonl`, rows.map((row) => JSON.stringify(row)).join('\n')),
  };
}

export function asPicture(name: string, svg: () => string): ExportFormat[] {
  return [
    { label: 'SVG', save: () => saveFile(`${name}.svg`, svg(), 'image/svg+xml') },
    { label: 'PNG', save: async () => saveFile(`${name}.png`, await pngOf(svg())) },
  ];
}
