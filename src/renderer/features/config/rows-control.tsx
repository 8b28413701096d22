/** A short table: a line of inputs for each row. */
import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { Row, RowsField } from '../../../contract/fields';
import { cellProblem } from '../../../contract/rows';
import css from './config.module.css';
import type { ControlProps } from './field-control';

export function RowsControl({ field, value, problem, isEdited, onChange }: ControlProps<RowsField>) {
  const rows = (Array.isArray(value) ? value : []) as Row[];
  const { columns, row: name } = field;
  /** What is still empty is not called wrong before something was typed; the problem of the whole says so. */
  const problemAt = (row: Row, column: RowsField['columns'][number]): string | undefined => {
    const text = row[column.key] ?? '';
    return text === '' ? undefined : cellProblem(column, text);
  };
  const showsProblem = rows.some((row) => columns.some((column) => problemAt(row, column) !== undefined));
  const replace = (index: number, key: string, text: string): void =>
    onChange(rows.map((row, i) => (i === index ? { ...row, [key]: text } : row)));
  return (
    <fieldset className={css.links}>
      <legend className={isEdited ? css.edited : undefined}>{field.label}</legend>
      <p className={css.note}>{field.help}</p>
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: equal rows may stand in the table twice.
        <div key={index} className={css.row}>
          <div className={css.cells}>
            {columns.map((column) => (
              <TextInput
                key={column.key}
                size="xs"
                aria-label={`${column.label} of ${name.toLowerCase()} ${index + 1}`}
                placeholder={column.placeholder ?? column.label}
                value={row[column.key] ?? ''}
                error={problemAt(row, column)}
                spellCheck={false}
                onChange={(event) => replace(index, column.key, event.currentTarget.value)}
              />
            ))}
          </div>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${name.toLowerCase()} ${index + 1}`}
            onClick={() => onChange(rows.filter((_, i) => i !== index))}
          >
            <IconTrash size={14} />
          </ActionIcon>
        </div>
      ))}
      <Button
        size="compact-sm"
        leftSection={<IconPlus size={13} />}
        style={{ justifySelf: 'start' }}
        disabled={rows.length >= field.maxRows}
        onClick={() => onChange([...rows, Object.fromEntries(columns.map(({ key }) => [key, '']))])}
      >
        Add {name.toLowerCase()}
      </Button>
      {problem && !showsProblem && (
        <p className={css.conflict} role="status">
          {problem}
        </p>
      )}
    </fieldset>
  );
}
