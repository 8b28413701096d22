import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { JournalEntry } from '../../contract/events';

const icons = {
  info: { Icon: IconInfoCircle, tone: '--ink-3' },
  good: { Icon: IconCircleCheck, tone: '--good' },
  warning: { Icon: IconAlertTriangle, tone: '--warn' },
  bad: { Icon: IconCircleX, tone: '--bad' },
};

export const levelLabels: Record<JournalEntry['level'], string> = {
  info: 'Information',
  good: 'Good',
  warning: 'Warning',
  bad: 'Problem',
};

/** Each level has its own shape. */
export function LevelIcon({ level, size = 14 }: { level: JournalEntry['level']; size?: number }) {
  const { Icon, tone } = icons[level];
  return <Icon size={size} aria-label={levelLabels[level]} style={{ color: `var(${tone})`, flex: 'none' }} />;
}
