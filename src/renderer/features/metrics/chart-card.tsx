/** A chart with its title and a legend that tells the values: at the pointer, else the newest. */
import { useState } from 'react';
import { formatTime } from '../../format';
import { asPicture, ExportButton } from '../../ui/export-button';
import { ChartCanvas } from './chart-canvas';
import { chartSvg } from './chart-svg';
import { type Chart, type Line, latestOf } from './charts';
import css from './metrics.module.css';

export function ChartCard({ chart }: { chart: Chart }) {
  const [cursor, setCursor] = useState<number | null>(null);
  const at = cursor === null ? undefined : chart.times[cursor];
  const valueText = (line: Line): string => {
    const value = cursor === null ? latestOf(line) : (line.values[cursor] ?? null);
    return value === null ? '–' : chart.format(value);
  };
  return (
    <section className={css.card} aria-label={chart.title}>
      <header className={css.head}>
        <h3 title={chart.about}>{chart.title}</h3>
        {at !== undefined && <time className={css.muted}>{formatTime(at)}</time>}
        {chart.lines.length > 0 && (
          <ExportButton
            compact
            what={`the chart ${chart.title}`}
            formats={asPicture(chart.id, () => chartSvg(chart))}
          />
        )}
      </header>
      {chart.lines.length === 0 ? (
        <p className={css.nothing}>{chart.empty}</p>
      ) : (
        <>
          <div className={css.plot} role="img" aria-label={describe(chart)}>
            <ChartCanvas chart={chart} onCursor={setCursor} />
          </div>
          <ul className={css.legend} aria-label={`Legend of ${chart.title}`}>
            {chart.lines.map((line) => (
              <li key={line.id}>
                <Swatch line={line} />
                <span className={css.name}>{line.label}</span>
                <b>{valueText(line)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Swatch({ line: { colour, dash, points } }: { line: Line }) {
  const stroke = colour === undefined ? 'var(--ink)' : `var(--source-${colour})`;
  return (
    <svg width="22" height="8" viewBox="0 0 22 8" aria-hidden="true">
      {points ? (
        <circle cx="11" cy="4" r="3" stroke={stroke} fill={dash.length > 0 ? 'none' : stroke} />
      ) : (
        <path d="M0 4H22" stroke={stroke} strokeWidth="2" strokeDasharray={dash.join(' ') || undefined} />
      )}
    </svg>
  );
}

/** For whoever does not see the picture. */
function describe({ title, about, lines, format }: Chart): string {
  const latest = lines.map((line) => {
    const value = latestOf(line);
    return `${line.label} ${value === null ? 'unknown' : format(value)}`;
  });
  return `${title}. ${about} Now: ${latest.join(', ')}.`;
}
