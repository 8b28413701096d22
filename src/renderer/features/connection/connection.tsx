/** Says when the studio cannot be reached, and that what is shown may be old. */
import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { StudioClient } from '../../studio-client';
import css from './connection.module.css';

export interface ConnectionState {
  state: 'connected' | 'reconnecting' | 'lost';
  detail?: string | undefined;
}

/** Shorter interruptions are not worth a word. */
const patienceMs = 700;

export function useConnection(client: StudioClient): ConnectionState {
  const [connection, setConnection] = useState<ConnectionState>({ state: 'connected' });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = client.transport.onConnection((state, detail) => {
      clearTimeout(timer);
      if (state === 'connected') setConnection({ state });
      else timer = setTimeout(() => setConnection({ state, detail }), state === 'lost' ? 0 : patienceMs);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [client]);
  return connection;
}

export function ConnectionBanner({
  connection,
  client,
}: {
  connection: ConnectionState;
  client: StudioClient;
}) {
  if (connection.state === 'connected') return null;
  return (
    <div className={css.banner} role="alert">
      <IconPlugConnectedX size={16} aria-hidden="true" />
      <span>
        {connection.detail
          ? `${connection.detail} Open the address that the studio printed when it started.`
          : connection.state === 'lost'
            ? 'The studio cannot be reached. What you see may be out of date. Is it still running?'
            : 'The connection to the studio was interrupted; reconnecting…'}
      </span>
      {!connection.detail && client.reconnect && (
        <Button size="compact-sm" onClick={client.reconnect}>
          Try now
        </Button>
      )}
    </div>
  );
}
