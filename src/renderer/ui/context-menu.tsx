/** A menu at a point of the window: under the pointer, or beside what has the keyboard. */
import { Menu } from '@mantine/core';
import { type ReactNode, useState } from 'react';

export interface MenuPoint {
  x: number;
  y: number;
}

export function ContextMenu({
  at,
  label,
  onClose,
  children,
}: {
  at: MenuPoint;
  label: string;
  onClose: () => void;
  children: ReactNode;
}) {
  // What had the keyboard gets it back.
  const [before] = useState(() => document.activeElement as HTMLElement | null);
  const close = (): void => {
    onClose();
    before?.focus({ preventScroll: true });
  };
  return (
    <Menu
      opened
      onClose={close}
      position="bottom-start"
      offset={0}
      width={220}
      trapFocus
      returnFocus={false}
      withinPortal
    >
      <Menu.Target>
        <span style={{ position: 'fixed', left: at.x, top: at.y, width: 1, height: 1 }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={label}>{children}</Menu.Dropdown>
    </Menu>
  );
}
