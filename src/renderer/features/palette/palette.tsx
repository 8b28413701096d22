/** The kinds of nodes, by family: drag one onto the canvas, click it, or press its number. */
import { ActionIcon, Tooltip, UnstyledButton } from '@mantine/core';
import { IconChevronsLeft, IconChevronsRight } from '@tabler/icons-react';
import { type KeyboardEvent, useRef } from 'react';
import { familyLabels, type NodeManifest } from '../../../contract/manifest';
import { manifests } from '../../../nodes/manifests';
import { kindMime } from '../../kind-drag';
import { useNodeCommands } from '../../node-actions';
import { keyOfKind } from '../../shortcuts';
import { usePanel, usePanelState } from '../../studio-context';
import { KindIcon } from '../../ui/kind-icon';
import css from './palette.module.css';

const families = [...new Set(manifests.map((manifest) => manifest.family))];

export function Palette() {
  const panel = usePanel();
  const open = usePanelState((state) => state.paletteOpen);
  const commands = useNodeCommands();
  const list = useRef<HTMLDivElement>(null);

  const onKeyDown = (event: KeyboardEvent): void => {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('[data-kind]') ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLElement);
    const target = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, target))]?.focus();
  };

  return (
    <nav aria-label="Palette" className={css.palette} data-open={open || undefined} data-region="palette">
      <div className={css.head}>
        {open && <h2 className={css.title}>Add a node</h2>}
        <Tooltip label={open ? 'Fold the palette' : 'Unfold the palette'} position="right">
          <ActionIcon
            aria-label={open ? 'Fold palette' : 'Unfold palette'}
            aria-expanded={open}
            size={24}
            onClick={() => panel.patch({ paletteOpen: !open })}
          >
            {open ? <IconChevronsLeft size={15} /> : <IconChevronsRight size={15} />}
          </ActionIcon>
        </Tooltip>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move between the buttons inside. */}
      <div ref={list} className={css.list} onKeyDown={onKeyDown}>
        {families.map((family) => (
          <section key={family} aria-label={familyLabels[family]}>
            {open && <h3 className={css.family}>{familyLabels[family]}</h3>}
            {manifests
              .filter((manifest) => manifest.family === family)
              .map((manifest) => (
                <Tooltip key={manifest.id} label={hintOf(manifest)} position="right">
                  <UnstyledButton
                    className={css.kind}
                    data-kind={manifest.id}
                    aria-keyshortcuts={keyOfKind(manifests.indexOf(manifest))}
                    aria-label={`Add ${manifest.label.toLowerCase()}`}
                    draggable
                    onDragStart={(event) => {
                      event.dataTransfer.setData(kindMime, manifest.id);
                      event.dataTransfer.effectAllowed = 'copy';
                    }}
                    onClick={() => void commands.add(manifest.id)}
                  >
                    <KindIcon kind={manifest.id} size={28} />
                    {open && <span className={css.label}>{manifest.label}</span>}
                  </UnstyledButton>
                </Tooltip>
              ))}
          </section>
        ))}
      </div>
      {open && <p className={css.hint}>Drag onto the canvas, or click.</p>}
    </nav>
  );
}

function hintOf(manifest: NodeManifest): string {
  const key = keyOfKind(manifests.indexOf(manifest));
  return key ? `${manifest.summary} (${key})` : manifest.summary;
}
