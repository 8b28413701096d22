import type { ClientSnapshot } from '../../nodes/client/manifest';
import type { KindView } from './kinds';

export const client: KindView = {
  figures(snapshot) {
    const { active = 0, done = 0, failed = 0 } = snapshot as Partial<ClientSnapshot>;
    return [
      { label: 'active', value: String(active) },
      { label: 'done', value: String(done) },
      ...(failed > 0 ? [{ label: 'failed', value: String(failed) }] : []),
    ];
  },
};
