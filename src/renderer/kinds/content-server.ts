import type { ContentSnapshot } from '../../nodes/content-server/manifest';
import { formatBytes } from '../format';
import { counted } from './counted';
import type { KindView } from './kinds';

export const contentServer: KindView = {
  answered: counted('transfer-finished'),
  figures(snapshot) {
    const { load = 0, files, bytes = 0 } = snapshot as Partial<ContentSnapshot>;
    if (files === undefined) return [];
    return [
      { label: 'load', value: String(load) },
      { label: files === 1 ? 'file' : 'files', value: files.toLocaleString() },
      { label: '', value: formatBytes(bytes) },
    ];
  },
};
