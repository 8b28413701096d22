/** Toasts: one look for every outcome, never colour alone. */
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
}

export function notify({ level, title, text }: Toast): void {
  const { icon, tone, closeMs } = looks[level];
  notifications.show({
    icon,
    title,
    message: text ?? null,
    autoClose: closeMs,
    withBorder: true,
    role: level === 'bad' ? 'alert' : 'status',
    'aria-live': level === 'bad' ? 'assertive' : 'polite',
    closeButtonProps: { 'aria-label': 'Dismiss' },
    className: `toast toast-${tone}`,
  });
}

export function notifyError(error: unknown): void {
  const { message, hint } = toErrorShape(error);
  notify({ level: 'bad', title: message, text: hint });
}
