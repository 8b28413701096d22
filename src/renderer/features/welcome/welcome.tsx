/** The empty workspace: three ways to begin. */
import { Button } from '@mantine/core';
import { IconFolderOpen, IconPlayerPlay, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { usePanel, useRun } from '../../studio-context';
import { KindIcon } from '../../ui/kind-icon';
import css from './welcome.module.css';

export function Welcome() {
  const panel = usePanel();
  const run = useRun();
  const [building, setBuilding] = useState(false);
  const [isEmptyChosen, setEmptyChosen] = useState(false);

  const build = async (): Promise<void> => {
    setBuilding(true);
    await run('workspace.sample', { sample: 'micro-cdn' });
    setBuilding(false);
  };

  if (isEmptyChosen)
    return (
      <div className={css.hint}>
        <p>Drag a kind from the palette onto the canvas, or click one.</p>
        <Button size="compact-sm" onClick={() => setEmptyChosen(false)}>
          Back
        </Button>
      </div>
    );

  return (
    <section className={css.welcome} aria-label="Welcome">
      <Picture />
      <h1>A content delivery network on your own machine</h1>
      <p>
        Real processes, sockets and files. Launch it, drop files in, download them, kill a server, and watch
        the others take over.
      </p>
      <div className={css.choices}>
        <Button
          size="md"
          variant="filled"
          leftSection={<IconPlayerPlay size={17} />}
          loading={building}
          onClick={() => void build()}
        >
          Build the Micro-CDN sample
        </Button>
        <div className={css.others}>
          <Button
            size="sm"
            leftSection={<IconPlus size={15} />}
            onClick={() => {
              setEmptyChosen(true);
              panel.patch({ paletteOpen: true });
              document.querySelector<HTMLElement>('[data-region="palette"] [data-kind]')?.focus();
            }}
          >
            Start empty
          </Button>
          <Button
            size="sm"
            leftSection={<IconFolderOpen size={15} />}
            onClick={() => panel.open({ kind: 'open-workspace' })}
          >
            Open…
          </Button>
        </div>
      </div>
    </section>
  );
}

/** What the sample will be: one index, one monitor, two servers. */
function Picture() {
  return (
    <div className={css.picture} aria-hidden="true">
      <svg viewBox="0 0 260 110" width="260" height="110" aria-hidden="true">
        <g stroke="var(--line-strong)" strokeWidth="1.5">
          <path d="M60 32 200 26M60 32 200 84M60 32 60 82M60 82 200 26M60 82 200 84" />
        </g>
      </svg>
      <span style={{ left: 42, top: 14 }}>
        <KindIcon kind="index-server" size={36} />
      </span>
      <span style={{ left: 42, top: 64 }}>
        <KindIcon kind="monitor" size={36} />
      </span>
      <span style={{ left: 182, top: 8 }}>
        <KindIcon kind="content-server" size={36} />
      </span>
      <span style={{ left: 182, top: 66 }}>
        <KindIcon kind="content-server" size={36} />
      </span>
    </div>
  );
}
