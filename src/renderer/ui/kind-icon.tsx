/** The icons that manifests name. A kind with an unknown icon still gets one. */
import {
  IconActivityHeartbeat,
  IconAddressBook,
  IconArrowsExchange,
  IconArrowsSplit2,
  IconBoxMultiple,
  IconCircleDashed,
  IconCube,
  IconDeviceDesktop,
  IconDownload,
  IconListSearch,
  IconServer,
  IconShare3,
  IconStack2,
  IconWorld,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { manifestOf } from '../../nodes/manifests';
import css from './kind-icon.module.css';

const icons: Record<string, ComponentType<{ size?: number; stroke?: number }>> = {
  index: IconListSearch,
  monitor: IconActivityHeartbeat,
  content: IconServer,
  client: IconDeviceDesktop,
  relay: IconArrowsExchange,
  origin: IconWorld,
  cache: IconStack2,
  balancer: IconArrowsSplit2,
  replica: IconBoxMultiple,
  ring: IconCircleDashed,
  download: IconDownload,
  'p2p-index': IconAddressBook,
  'p2p-peer': IconShare3,
};

/** Hues by icon, so that kinds of one family are told apart at a glance; the shape says it too. */
const hues: Record<string, string> = {
  index: 'iris',
  monitor: 'teal',
  content: 'amber',
  client: 'sky',
  download: 'sky',
  relay: 'rose',
  origin: 'amber',
  cache: 'teal',
  balancer: 'iris',
  replica: 'amber',
  ring: 'rose',
  'p2p-index': 'iris',
  'p2p-peer': 'rose',
};

export function KindIcon({ kind, size = 28 }: { kind: string; size?: number }) {
  const name = manifestOf(kind)?.icon ?? '';
  const Icon = icons[name] ?? IconCube;
  return (
    <span
      className={css.tile}
      data-hue={hues[name] ?? 'gray'}
      style={{ width: size, height: size }}
      aria-hidden="true"
    >
      <Icon size={Math.round(size * 0.6)} stroke={1.75} />
    </span>
  );
}
