/** The first tour: an unobtrusive list of what to try next. */
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCircle, IconCircleCheckFilled, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useNodeCommands } from '../../node-actions';
import { isAlive, stateIn } from '../../node-state';
import { usePanel, usePanelState, useRun, useStudio } from '../../studio-context';
import { StatusGlyph } from '../../ui/status';
import css from './guide.module.css';
import {
  advance,
  currentStep,
  emptyTour,
  order,
  type StepId,
  suitsTour,
  tourFile,
  tourServer,
} from './guide-model';

export function Guide() {
  const path = useStudio((state) => state.workspace.path);
  const suits = useStudio((state) => suitsTour(state.specs));
  const hidden = usePanelState((state) => state.guideHidden.includes(path));
  return suits && !hidden ? <Tour key={path} path={path} /> : null;
}

function Tour({ path }: { path: string }) {
  const panel = usePanel();
  const specs = useStudio((state) => state.specs);
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const transfers = useStudio((state) => state.transfers);
  const [tour, setTour] = useState(emptyTour);
  useEffect(() => {
    setTour((old) => advance(old, { specs, nodes, hung, transfers }, Date.now()));
  }, [specs, nodes, hung, transfers]);

  const server = tourServer(specs);
  const current = currentStep(tour);
  const anyAlive = [...specs.keys()].some((id) => isAlive(stateIn({ nodes, hung }, id)));
  const name = server?.name ?? 'CS1';
  const labels: Record<StepId, string> = {
    download: `Download ${tourFile}`,
    kill: `Kill ${name}`,
    noticed: `${name} declared dead`,
    again: 'Download again',
    restart: `Restart ${name}`,
  };
  const hide = (): void => panel.patch({ guideHidden: [...panel.get().guideHidden, path].slice(-50) });

  return (
    <section className={css.guide} aria-label="Next steps">
      {current ? (
        <ol>
          {order.map((step) => (
            <li
              key={step}
              className={css.step}
              data-done={tour.done[step] !== undefined || undefined}
              aria-current={step === current ? 'step' : undefined}
            >
              {tour.done[step] !== undefined ? (
                <IconCircleCheckFilled size={16} aria-label="Done" />
              ) : step === 'noticed' && step === current ? (
                <StatusGlyph state="starting" size={16} />
              ) : (
                <IconCircle size={16} aria-hidden="true" />
              )}
              <Step
                step={step}
                label={labels[step]}
                isCurrent={step === current && anyAlive}
                server={server?.id}
              />
            </li>
          ))}
        </ol>
      ) : (
        <span className={css.end}>
          <IconCircleCheckFilled size={16} aria-hidden="true" /> That was the tour: it failed over, and came
          back. Now break something yourself.
        </span>
      )}
      {!anyAlive && <StartAll />}
      <Tooltip label="Hide these steps">
        <ActionIcon size={24} aria-label="Hide next steps" onClick={hide}>
          <IconX size={14} />
        </ActionIcon>
      </Tooltip>
    </section>
  );
}

function Step({
  step,
  label,
  isCurrent,
  server,
}: {
  step: StepId;
  label: string;
  isCurrent: boolean;
  server: string | undefined;
}) {
  const run = useRun();
  const panel = usePanel();
  const commands = useNodeCommands();
  if (!isCurrent || step === 'noticed') return <span>{label}</span>;
  const act = (): void => {
    if (step === 'kill' && server) commands.act('kill', [server]);
    else if (step === 'restart' && server) commands.act('start', [server]);
    else {
      panel.openDock('transfers');
      void run('transfers.download', { name: tourFile });
    }
  };
  return (
    <Button size="compact-sm" variant={step === 'kill' ? 'default' : 'filled'} onClick={act}>
      {label}
    </Button>
  );
}

function StartAll() {
  const commands = useNodeCommands();
  const specs = useStudio((state) => state.specs);
  return (
    <Button size="compact-sm" variant="filled" onClick={() => commands.act('start', [...specs.keys()])}>
      Start the network
    </Button>
  );
}
