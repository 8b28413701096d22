/** The pieces of a download, coloured by the source that each came from. */
import type { PeerDownload } from '../../../../nodes/p2p-peer/manifest';
import { formatCount, formatPercent } from '../../../format';
import css from './piece-map.module.css';

const COLOURS = 6;

/** The colour of the n-th source, the same everywhere in a download. */
export function sourceColour(index: number): string {
  return `var(--source-${index % COLOURS})`;
}

export function SourceSwatch({ index }: { index: number }) {
  return <span className={css.swatch} style={{ background: sourceColour(index) }} aria-hidden="true" />;
}

export function PieceMap({
  pieces,
  sources,
  size,
  bytes,
}: Pick<PeerDownload, 'pieces' | 'sources' | 'size' | 'bytes'>) {
  const { from, availability, perCell, count } = pieces;
  if (from.length === 0) return null;
  const nameOf = (index: number): string => sources[index]?.id ?? 'a former source';
  const label = `${formatCount(count, 'piece')}, ${formatPercent(bytes, size)} there, in ${from.length} cells`;
  return (
    <div className={css.map} role="img" aria-label={label}>
      {from.map((source, at) => {
        const first = at * perCell;
        const which =
          perCell === 1 ? `Piece ${first}` : `Pieces ${first}–${Math.min(count, first + perCell) - 1}`;
        const what =
          source >= 0
            ? `from ${nameOf(source)}`
            : source === -2
              ? 'from an earlier run'
              : `missing; held by ${formatCount(availability[at] ?? 0, 'source')}`;
        const classes = [css.cell];
        if (source === -2) classes.push(css.earlier);
        if (source === -1 && availability[at] === 0) classes.push(css.unavailable);
        return (
          <span
            key={first}
            className={classes.join(' ')}
            title={`${which}: ${what}`}
            style={source >= 0 ? { background: sourceColour(source) } : undefined}
          />
        );
      })}
    </div>
  );
}
