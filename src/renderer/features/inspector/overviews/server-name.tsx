/** A server as other nodes know it; a link to its node where it is one of ours. */
import type { Tone } from '../../../node-state';
import { usePanel, useStudio } from '../../../studio-context';
import { StatusGlyph } from '../../../ui/status';
import css from './server-list.module.css';

export function ServerName({ serverId, port }: { serverId: string; port?: number }) {
  const panel = usePanel();
  const node = useStudio((state) => {
    for (const spec of state.specs.values()) if (spec.config.serverId === serverId) return spec.id;
    for (const view of state.nodes.values())
      if (port !== undefined && Object.values(view.ports).includes(port)) return view.id;
    for (const spec of state.specs.values()) if (spec.name === serverId) return spec.id;
    return undefined;
  });
  return node ? (
    <button type="button" className={css.name} onClick={() => panel.show(node)}>
      {serverId}
    </button>
  ) : (
    <span className={css.name} title="Not a node of this workspace">
      {serverId} <span className={css.muted}>(outside)</span>
    </span>
  );
}

const glyphs = {
  good: 'running',
  bad: 'crashed',
  warn: 'draining',
  info: 'starting',
  idle: 'stopped',
} as const;

export function ServerStatusText({ status, tone }: { status: string; tone: Tone }) {
  return (
    <span
      className={`tone-${tone}`}
      style={{ display: 'inline-flex', alignItems: 'center', gap: 4, color: 'var(--tone)', fontWeight: 500 }}
    >
      <StatusGlyph state={glyphs[tone]} size={10} /> {status}
    </span>
  );
}

/** In an order that does not change with every heartbeat. */
export function byName<T extends { serverId: string }>(servers: readonly T[]): T[] {
  return [...servers].sort((a, b) => a.serverId.localeCompare(b.serverId, undefined, { numeric: true }));
}
