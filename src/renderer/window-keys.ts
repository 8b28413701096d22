/** Shortcuts that work everywhere. */
import { spotlight } from '@mantine/spotlight';
import { useEffect } from 'react';
import { manifests } from '../nodes/manifests';
import { useNodeCommands } from './node-actions';
import { usePanel } from './studio-context';

const regions = ['toolbar', 'palette', 'topology', 'inspector', 'dock'] as const;

export function useWindowKeys(): void {
  const panel = usePanel();
  const commands = useNodeCommands();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const isTyping = (event.target as HTMLElement).matches('input, textarea, select, [contenteditable]');
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const { dockOpen, inspectorOpen, dialog } = panel.get();
      // Alt and AltGr with a digit are characters of some keyboards, so a field keeps them.
      const digit = event.altKey && !isTyping ? /^Digit([1-9])$/.exec(event.code)?.[1] : undefined;
      const kind = digit && manifests[Number(digit) - 1];

      if (command && key === 'k') spotlight.toggle();
      else if (dialog) return;
      else if (command && key === 'z' && !isTyping) event.shiftKey ? commands.redo() : commands.undo();
      else if (command && key === 'y' && !isTyping) commands.redo();
      else if (command && key === ',') panel.open({ kind: 'settings' });
      else if (command && key === 'j') panel.patch({ dockOpen: !dockOpen });
      else if (command && key === 'i') panel.patch({ inspectorOpen: !inspectorOpen });
      else if (event.key === 'F6') focusRegion(event.shiftKey ? -1 : 1);
      else if (event.key === '?' && !isTyping) panel.open({ kind: 'shortcuts' });
      else if (kind) void commands.add(kind.id);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [panel, commands]);
}

/** To the first thing with a tab stop in the next region. */
function focusRegion(step: 1 | -1): void {
  const present = regions.flatMap(
    (name) => document.querySelector<HTMLElement>(`[data-region="${name}"]`) ?? [],
  );
  const current = present.findIndex((region) => region.contains(document.activeElement));
  const start = current < 0 && step < 0 ? 0 : current;
  const next = present[(start + step + present.length) % present.length];
  const stops = [...(next?.querySelectorAll<HTMLElement>('button, input, [tabindex="0"]') ?? [])];
  const stop = stops.find((element) => element.tabIndex === 0 && !element.hasAttribute('disabled'));
  (stop ?? next)?.focus();
}
