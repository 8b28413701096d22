import { describe, expect, it } from 'vitest';
import { portConflicts, portUser } from './port-claims';
import { microCdn, spec } from './testing/network';

const server = (id: string, config: Record<string, unknown>) => spec(id, 'content-server', id, config);

describe('portUser', () => {
  const others = [server('cs1', { tcpPort: 7001, udpPort: 7002 })];
  it('finds the node that is set to use a port', () => {
    const user = (port: number, transport: 'tcp' | 'udp', host = '127.0.0.1') =>
      portUser({ host, transport, port }, others, 'me')?.id;
    expect(user(7001, 'tcp')).toBe('cs1');
    expect(user(7001, 'udp')).toBeUndefined();
    expect(user(7001, 'tcp', '127.0.0.2')).toBeUndefined();
    expect(user(7001, 'tcp', '0.0.0.0')).toBe('cs1');
    expect(user(7001, 'tcp', '::')).toBe('cs1');
    expect(portUser({ host: '127.0.0.1', transport: 'tcp', port: 7001 }, others, 'cs1')).toBeUndefined();
  });
});

describe('portConflicts', () => {
  it('are none in a network that was built by clicks', () => {
    expect(portConflicts(microCdn(50))).toEqual([]);
  });
  it('are pairs on one address and transport; port 0 never clashes', () => {
    const conflicts = portConflicts([
      server('a', { tcpPort: 7001, udpPort: 0 }),
      server('b', { tcpPort: 7001, udpPort: 0 }),
      server('c', { tcpPort: 7001, udpPort: 0, host: '127.0.0.2' }),
    ]);
    expect(conflicts.map(({ first, second }) => [first.node.id, second.node.id, second.port])).toEqual([
      ['a', 'b', 7001],
    ]);
  });
});
