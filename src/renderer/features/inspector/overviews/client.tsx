import type { ClientSnapshot } from '../../../../nodes/client/manifest';
import { formatBytes } from '../../../format';
import { sameItems } from '../../../store';
import { useNodeView, usePanel, useStudio } from '../../../studio-context';
import { DownloadsSection } from './downloads-section';
import css from './server-list.module.css';

export function ClientOverview({ node }: { node: string }) {
  const panel = usePanel();
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<ClientSnapshot>;
  const transfers = useStudio(
    (state) =>
      [...state.transfers.values()]
        .filter((transfer) => transfer.client === node)
        .reverse()
        .slice(0, 8),
    sameItems,
  );
  return (
    <DownloadsSection node={node} counts={snapshot} empty="This client has downloaded nothing yet.">
      {transfers.map((transfer) => (
        <li key={transfer.id} className={css.server}>
          <div className={css.line}>
            <button type="button" className={css.name} onClick={() => panel.openDock('transfers')}>
              {transfer.name}
            </button>
            <span className={css.spring} />
            <span className={css.muted}>
              {transfer.phase} · {formatBytes(transfer.bytes)}
            </span>
          </div>
        </li>
      ))}
    </DownloadsSection>
  );
}
