/** Every shortcut, for the sheet that `?` opens. Single letters act only while the canvas or table has focus. */

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

export const modKey = isMac ? '⌘' : 'Ctrl';

/** Adds a node of the palette's first, second … kind; there are more kinds than digits. */
export function keyOfKind(index: number): string | undefined {
  return index < 9 ? `Alt+${index + 1}` : undefined;
}

export interface ShortcutGroup {
  title: string;
  keys: readonly (readonly [keys: string, does: string])[];
}

export const shortcutGroups: readonly ShortcutGroup[] = [
  {
    title: 'Everywhere',
    keys: [
      [`${modKey} K`, 'Search actions, nodes and files'],
      [`${modKey} Z`, 'Undo'],
      [`${modKey} Shift Z`, 'Redo'],
      [`${modKey} ,`, 'Settings'],
      [`${modKey} J`, 'Show or hide the dock'],
      [`${modKey} I`, 'Show or hide the inspector'],
      ['F6', 'Next region; with Shift the one before'],
      ['Alt 1 … 9', 'Add a node of the palette’s first, second … kind'],
      ['?', 'This sheet'],
    ],
  },
  {
    title: 'On the canvas and in the table',
    keys: [
      ['Arrows', 'Go to the next node in that direction; on a link, to the next link'],
      ['Enter', 'Inspect'],
      ['Shift F10', 'Menu'],
      [`${modKey} A`, 'Select all'],
      [`${modKey} D`, 'Duplicate'],
      ['Delete', 'Delete'],
      ['F2', 'Rename'],
    ],
  },
  {
    title: 'On the canvas',
    keys: [
      ['Shift Arrows', 'Move the selected nodes'],
      ['F', 'Fit everything into view'],
      ['L', 'Automatic layout'],
      ['+ −', 'Zoom'],
    ],
  },
  {
    title: 'On a node',
    keys: [
      ['S', 'Start'],
      ['X', 'Stop'],
      ['D', 'Drain'],
      ['R', 'Restart'],
      ['H', 'Hang, or resume'],
      ['K', 'Kill'],
    ],
  },
  {
    title: 'With the mouse',
    keys: [
      ['Shift drag', 'Select an area'],
      [`${modKey} click`, 'Add to the selection'],
      ['Wheel', 'Zoom'],
      ['Drop', 'Files on a content server, on its list, or anywhere'],
    ],
  },
];
