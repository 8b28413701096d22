/** The line of controls above a dock panel's content, and the frame that lets the content fill the rest. */
import type { ReactNode } from 'react';
import css from './dock-bar.module.css';

export function DockBar({ children }: { children: ReactNode }) {
  return <div className={css.bar}>{children}</div>;
}
