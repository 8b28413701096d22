/** The servers of a balancer, and what speaks for each. */
import { IconArrowRight } from '@tabler/icons-react';
import { Fragment, type ReactNode } from 'react';
import type { Tone } from '../../../node-state';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

export interface ServerColumn<Server> {
  header: string;
  /** What the header means, where a word does not say it. */
  help?: string;
  cell(server: Server): ReactNode;
}

interface BalancedServer<State extends string> {
  address: string;
  state: State;
  /** Why it is in this state. */
  detail?: string;
}

export function BalancedServers<State extends string, Server extends BalancedServer<State>>({
  caption,
  header,
  servers,
  tones,
  isChosen,
  chosenLabel,
  note,
  columns,
}: {
  caption: string;
  /** Of the first column: 'Server' */
  header: string;
  servers: readonly Server[];
  tones: Record<State, Tone>;
  isChosen(server: Server): boolean;
  chosenLabel: string;
  /** Under the name. */
  note?(server: Server): ReactNode;
  /** After name and state. */
  columns: readonly ServerColumn<Server>[];
}) {
  return (
    <table className={`${css.candidates} ${css.dense}`}>
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          <th>{header}</th>
          <th>State</th>
          {columns.map((column) => (
            <th key={column.header} title={column.help}>
              {column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {servers.map((server) => {
          const chosen = isChosen(server);
          return (
            <Fragment key={server.address}>
              <tr className={chosen ? css.winner : undefined}>
                <td>
                  {chosen && <IconArrowRight size={12} aria-label={chosenLabel} />}{' '}
                  <NodeAtAddress address={server.address} />
                  {note && <div className={css.muted}>{note(server)}</div>}
                </td>
                <td>
                  <ServerStatusText status={server.state} tone={tones[server.state]} />
                </td>
                {columns.map((column) => (
                  <td key={column.header}>{column.cell(server)}</td>
                ))}
              </tr>
              {server.detail && (
                <tr className={css.detail}>
                  <td colSpan={columns.length + 2}>{server.detail}</td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}
