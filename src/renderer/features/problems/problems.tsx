import { Button } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { CsvColumn } from '../../export/csv';
import { formatCount } from '../../format';
import { useNodeCommands } from '../../node-actions';
import { usePanel, useStudio } from '../../studio-context';
import { type Column, DataTable } from '../../ui/data-table';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { LevelIcon } from '../../ui/level-icon';
import { useNow } from '../../ui/use-now';
import css from './problems.module.css';
import { type Problem, problemsOf } from './problems-model';

function useProblems(): Problem[] {
  const specs = useStudio((state) => state.specs);
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const workspace = useStudio((state) => state.workspace);
  const now = useNow(1000);
  return useMemo(
    () => problemsOf({ specs, nodes, hung, workspace }, now),
    [specs, nodes, hung, workspace, now],
  );
}

const csvColumns: readonly CsvColumn<Problem>[] = [
  { header: 'Problem', value: ({ title }) => title },
  { header: 'Level', value: ({ level }) => level },
  { header: 'Why, and what to do', value: ({ detail }) => detail },
];

export function Problems() {
  const panel = usePanel();
  const commands = useNodeCommands();
  const problems = useProblems();
  const columns = useMemo<readonly Column<Problem>[]>(
    () => [
      {
        id: 'title',
        header: 'Problem',
        width: 'minmax(220px, 1fr)',
        cell: (problem) => (
          <span className={`${css.title} signed`} title={problem.title}>
            <LevelIcon level={problem.level} /> {problem.title}
          </span>
        ),
      },
      {
        id: 'detail',
        header: 'Why, and what to do',
        width: 'minmax(240px, 2fr)',
        cell: (problem) => <span title={problem.detail}>{problem.detail}</span>,
      },
      {
        id: 'actions',
        header: 'Actions',
        headerUnseen: true,
        width: '200px',
        align: 'end',
        cell: ({ node, tab, remedy }, active) => (
          <span className={css.actions}>
            {node && (
              <Button
                size="compact-xs"
                tabIndex={active ? 0 : -1}
                onClick={() => {
                  panel.show(node);
                  panel.openInspector(tab ?? 'overview');
                }}
              >
                Show
              </Button>
            )}
            {node && remedy && (
              <Button
                size="compact-xs"
                variant="light"
                tabIndex={active ? 0 : -1}
                onClick={() => commands.act(remedy.action, [node])}
              >
                {remedy.label}
              </Button>
            )}
          </span>
        ),
      },
    ],
    [panel, commands],
  );
  return (
    <>
      <DockBar>
        <span>{formatCount(problems.length, 'problem')}</span>
        <span style={{ flex: 1 }} />
        <ExportButton
          what="the problems"
          disabled={problems.length === 0}
          formats={[asCsv('problems', csvColumns, () => problems)]}
        />
      </DockBar>
      <DataTable
        label="Problems"
        columns={columns}
        total={problems.length}
        row={(i) => problems[i]}
        keyOf={(problem) => problem.id}
        rowHeight={34}
        onOpen={({ node }) => node && panel.show(node)}
        empty={
          <EmptyState icon={<IconCircleCheck size={28} stroke={1.25} />} title="No problems.">
            Crashed and hung nodes, port conflicts and files that others cannot see are listed here.
          </EmptyState>
        }
      />
    </>
  );
}
