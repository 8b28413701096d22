/** Who is to use a relay, at which address, and what it passes on. */

import { Button } from '@mantine/core';
import { formatEndpoint } from '../../../../contract/endpoint';
import type { LinkValue } from '../../../../contract/fields';
import type { RelaySnapshot } from '../../../../nodes/relay/manifest';
import { formatCount } from '../../../format';
import { nameOf } from '../../../graph';
import { useRelayCommands } from '../../../relay-actions';
import { useNodeSpec, useNodeView, useStudio } from '../../../studio-context';
import { Fact, Facts, Section } from '../../../ui/facts';
import css from './server-list.module.css';

export function RelayOverview({ node }: { node: string }) {
  const spec = useNodeSpec(node);
  const view = useNodeView(node);
  const specs = useStudio((state) => state.specs);
  const relays = useRelayCommands();
  if (!spec) return null;
  const { connections = 0, senders = 0, failure } = (view?.snapshot ?? {}) as Partial<RelaySnapshot>;
  const { client, host, tcpPort, udpPort, tcpTarget, udpTarget } = spec.config;
  const route = (transport: string, name: 'tcp' | 'udp', configured: unknown, target: unknown) => {
    const link = target as LinkValue | undefined;
    if (!link) return null;
    const from = `${String(host ?? '127.0.0.1')}:${view?.ports[name] ?? String(configured)}`;
    return (
      <Fact label={transport}>
        <span className="mono">{from}</span> →{' '}
        {'node' in link ? nameOf(link.node, specs) : formatEndpoint(link)}
      </Fact>
    );
  };
  return (
    <Section title="Way through">
      {typeof client === 'string' && client !== '' && (
        <p className={css.muted}>
          Give {client} the address on the left in place of the one on the right. Until it uses it, nothing
          goes through here.
        </p>
      )}
      <Facts>
        {route('TCP', 'tcp', tcpPort, tcpTarget)}
        {route('UDP', 'udp', udpPort, udpTarget)}
        <Fact label="Now">
          {formatCount(connections, 'connection')}, {formatCount(senders, 'sender')} of datagrams
        </Fact>
        {failure && <Fact label="Failed">{failure}</Fact>}
      </Facts>
      <Button size="compact-sm" onClick={() => relays.remove(node)}>
        Remove relay
      </Button>
    </Section>
  );
}
