/** The settings of a node: a form made from its manifest. */
import { Button, Collapse, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';
import type { Field } from '../../../contract/fields';
import { manifestOf } from '../../../nodes/manifests';
import { useNodeCommands } from '../../node-actions';
import { isAlive } from '../../node-state';
import type { Draft } from '../../panel-state';
import {
  useNodeSpec,
  useNodeState,
  useNodeView,
  usePanel,
  usePanelState,
  useRun,
} from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import css from './config.module.css';
import { FieldControl } from './field-control';
import { edited, problemsOf, shownValue } from './form-model';

const noDraft: Draft = {};

export function ConfigTab({ node }: { node: string }) {
  const spec = useNodeSpec(node);
  const state = useNodeState(node);
  const run = useRun();
  const panel = usePanel();
  const draft = usePanelState(({ drafts }) => drafts[node] ?? noDraft);
  const setDraft = (next: Draft): void => panel.keepDraft(node, next);
  const [advanced, setAdvanced] = useState(false);
  const manifest = spec && manifestOf(spec.kind);
  if (!spec || !manifest)
    return <EmptyState title="This kind is not known here.">Its settings are kept as they are.</EmptyState>;

  const entries = Object.entries(manifest.fields);
  const problems = problemsOf(manifest.fields, draft);
  const changed = Object.keys(draft).length > 0;
  const alive = isAlive(state);
  const hidden = entries.filter(([, field]) => field.advanced);
  const problemHidden = hidden.some(([key]) => key in problems);

  const live = Object.keys(draft).every((key) => manifest.fields[key]?.live);
  const whenApplied = !alive
    ? 'Applies at the next start.'
    : live
      ? 'Applies at once.'
      : 'Applies after a restart.';

  const save = async (): Promise<void> => {
    if (!changed || Object.keys(problems).length > 0) return;
    const config = { ...spec.config, ...draft };
    const done = await run('workspace.apply', { command: { type: 'configure-node', id: node, config } });
    if (done) setDraft({});
  };

  const control = ([key, field]: [string, Field]) => (
    <FieldControl
      key={key}
      id={key}
      field={field}
      node={node}
      config={spec.config}
      value={shownValue(key, field, spec.config, draft)}
      problem={problems[key]}
      isEdited={key in draft}
      onChange={(value) =>
        setDraft(edited(panel.get().drafts[node] ?? noDraft, key, value, field, spec.config))
      }
    />
  );

  return (
    <form
      className={css.form}
      aria-label={`Settings of ${spec.name}`}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <RestartNote node={node} />
      <div className={css.fields}>
        {entries.filter(([, field]) => !field.advanced).map(control)}
        {hidden.length > 0 && (
          <>
            <UnstyledButton
              className={css.more}
              aria-expanded={advanced || problemHidden}
              onClick={() => setAdvanced(!advanced)}
            >
              <IconChevronRight size={14} className={css.chevron} /> Advanced
            </UnstyledButton>
            <Collapse expanded={advanced || problemHidden}>
              <div className={css.fields}>{hidden.map(control)}</div>
            </Collapse>
          </>
        )}
      </div>
      {changed && (
        <footer className={css.footer}>
          <span className={css.note}>{whenApplied}</span>
          <Button onClick={() => setDraft({})}>Discard</Button>
          <Button type="submit" variant="filled" disabled={Object.keys(problems).length > 0}>
            Apply
          </Button>
        </footer>
      )}
    </form>
  );
}

/** A running node still has the settings it was started with. */
function RestartNote({ node }: { node: string }) {
  const view = useNodeView(node);
  const commands = useNodeCommands();
  if (!view?.outdated) return null;
  return (
    <div className={css.restart} role="status">
      <span>The running process still has the former settings.</span>
      <Button
        size="compact-sm"
        leftSection={<IconRefresh size={13} />}
        onClick={() => commands.act('restart', [node])}
      >
        Restart now
      </Button>
    </div>
  );
}
