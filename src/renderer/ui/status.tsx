/** A node's state as shape, colour and word: the shapes differ, so the colour is never needed. */
import type { NodeState } from '../node-state';
import { tones } from '../node-state';
import css from './status.module.css';

const shapes: Record<NodeState, React.ReactNode> = {
  running: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  starting: (
    <>
      <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" strokeOpacity=".3" strokeWidth="2" />
      <path d="M6 1.5A4.5 4.5 0 0 1 10.5 6" fill="none" stroke="currentColor" strokeWidth="2" />
    </>
  ),
  draining: (
    <>
      <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M1.5 6a4.5 4.5 0 0 0 9 0Z" fill="currentColor" />
    </>
  ),
  stopping: (
    <circle
      cx="6"
      cy="6"
      r="4.5"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeDasharray="2 1.6"
    />
  ),
  stopped: <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  hung: (
    <>
      <rect x="1.5" y="1.5" width="9" height="9" rx="2" fill="currentColor" />
      <path d="M4.7 4v4M7.3 4v4" stroke="var(--panel)" strokeWidth="1.4" />
    </>
  ),
  crashed: (
    <>
      <path d="M4 1h4l3 3v4l-3 3H4L1 8V4Z" fill="currentColor" />
      <path d="m4.2 4.2 3.6 3.6m0-3.6L4.2 7.8" stroke="var(--panel)" strokeWidth="1.4" />
    </>
  ),
};

export function StatusGlyph({ state, size = 12 }: { state: NodeState; size?: number }) {
  return (
    <svg
      viewBox="0 0 12 12"
      width={size}
      height={size}
      aria-hidden="true"
      className={`${css.glyph} tone-${tones[state]} ${state === 'starting' ? css.turning : ''}`}
    >
      {shapes[state]}
    </svg>
  );
}

export function Status({ state, detail }: { state: NodeState; detail?: string | undefined }) {
  return (
    <span className={`${css.status} tone-${tones[state]}`}>
      <StatusGlyph state={state} />
      <span>{detail ?? stateLabels[state]}</span>
    </span>
  );
}

export const stateLabels: Record<NodeState, string> = {
  running: 'Running',
  starting: 'Starting',
  draining: 'Draining',
  stopping: 'Stopping',
  stopped: 'Stopped',
  hung: 'Hung',
  crashed: 'Crashed',
};
