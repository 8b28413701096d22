/** Toasts: one look for every outcome, never colour alone. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { toErrorShape } from '../contract/errors';
import type { Notice } from '../contract/events';

const looks: Record<Notice['level'], { icon: ReactNode; tone: string; closeMs: number }> = {
  info: { icon: <IconInfoCircle size={18} aria-label="Information" />, tone: 'info', closeMs: 5000 },
  good: { icon: <IconCircleCheck size={18} aria-label="Done" />, tone: 'good', closeMs: 5000 },
  warning: { icon: <IconAlertTriangle size={18} aria-label="Warning" />, tone: 'warn', closeMs: 9000 },
  bad: { icon: <IconCircleX size={18} aria-label="Problem" />, tone: 'bad', closeMs: 14_000 },
};

export interface Toast extends Omit<Notice, 'id' | 'text'> {
  text?: ReactNode;
  /** A button, and the toast stays a while longer. */
  action?: { label: string; run: () => void };
}

const actionMs = 12_000;

export function notify({ level, title, text, action }: Toast): void {
  const { icon, tone, closeMs } = looks[level];
  const id = notifications.show({
    icon,
    title,
    message: action ? (
      <>
        {text}
        <Button
          size="compact-sm"
          mt={6}
          onClick={() => {
            notifications.hide(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      </>
    ) : (
      (text ?? null)
    ),
    autoClose: action ? actionMs : closeMs,
    withBorder: true,
    role: level === 'bad' ? 'alert' : 'status',
    'aria-live': level === 'bad' ? 'assertive' : 'polite',
    closeButtonProps: { 'aria-label': 'Dismiss' },
    className: `toast toast-${tone}`,
  });
}

export function notifyError(error: unknown): void {
  const { code, message, hint } = toErrorShape(error);
  notify({ level: code === 'CANCELLED' ? 'info' : 'bad', title: message, text: hint });
}
