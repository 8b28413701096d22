import { Button, Group, PasswordInput, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import type { P2pIndexSnapshot } from '../../../../nodes/p2p-index/manifest';
import { formatBytes, formatCount, formatSpan } from '../../../format';
import { useNodeState, useNodeView, useRun } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { registeredPeerColumns } from './exported-lists';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';

export function P2pIndexOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<P2pIndexSnapshot>;
  const { files = 0, peers = [], login = false, accounts = [], lockedOut = [] } = snapshot;
  const running = useNodeState(node) === 'running';
  const registered = peers.filter(({ port }) => port > 0);
  return (
    <>
      <Section
        title="Peers"
        aside={
          <>
            <span className={css.muted}>{formatCount(files, 'file')}</span>
            <ExportList name="peers" columns={registeredPeerColumns} rows={registered} />
          </>
        }
      >
        {registered.length === 0 && (
          <EmptyState title={running ? 'No peer has registered yet.' : 'Not running.'} />
        )}
        <ul className={css.list}>
          {registered.map((peer) => (
            <li key={peer.id} className={css.server}>
              <div className={css.line}>
                <NodeAtAddress address={`${peer.host}:${peer.port}`} />
                {peer.user && <span className={css.muted}>as {peer.user}</span>}
                <span className={css.spring} />
                <span className={css.muted}>
                  {formatCount(peer.files, 'file')} · {formatBytes(peer.bytes)}
                  {peer.slots > 0 && ` · ${peer.uploads} of ${peer.slots} uploads`}
                </span>
              </div>
              <div className={css.muted}>
                {peer.dialect === 'frames' ? 'our own kind' : 'the plain protocol of the seed'}
              </div>
            </li>
          ))}
        </ul>
        {peers.length > registered.length && (
          <p className={css.muted}>
            {formatCount(peers.length - registered.length, 'connection')} without registration
          </p>
        )}
      </Section>
      <Section title="Login">
        <Facts>
          <Fact label="Required">{login ? 'yes: peers of the seed are refused' : 'no'}</Fact>
          {lockedOut.map(({ key, forMs }) => (
            <Fact key={key} label="Locked out">
              {key}, for {formatSpan(forMs)}
            </Fact>
          ))}
        </Facts>
        <Accounts node={node} accounts={accounts} running={running} />
      </Section>
    </>
  );
}

function Accounts({
  node,
  accounts,
  running,
}: {
  node: string;
  accounts: readonly string[];
  running: boolean;
}) {
  const run = useRun();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    await run('nodes.operate', { id: node, operation: 'setAccount', input: { user, password } });
    setUser('');
    setPassword('');
  };
  return (
    <>
      <ul className={css.list} aria-label="Accounts">
        {accounts.map((name) => (
          <li key={name} className={css.server}>
            <div className={css.line}>
              <span className={css.file}>{name}</span>
              <span className={css.spring} />
              <Button
                size="compact-xs"
                variant="subtle"
                leftSection={<IconTrash size={13} />}
                disabled={!running}
                onClick={() =>
                  void run('nodes.operate', { id: node, operation: 'removeAccount', input: { user: name } })
                }
              >
                Remove
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <form onSubmit={(event) => void add(event)}>
        <Group gap={6} align="end" wrap="nowrap">
          <TextInput
            size="xs"
            label="User"
            value={user}
            onChange={(event) => setUser(event.currentTarget.value)}
          />
          <PasswordInput
            size="xs"
            label="Password"
            style={{ flex: 1 }}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button size="xs" type="submit" disabled={!running || user === '' || password === ''}>
            Add
          </Button>
        </Group>
      </form>
    </>
  );
}
