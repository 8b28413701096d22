import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../contract/workspace';
import { AddressBook, roleOf } from './address-book';

const node = (id: string, kind: string, config: Record<string, unknown> = {}): NodeSpec => ({
  id,
  kind,
  name: id,
  position: { x: 0, y: 0 },
  config,
});

describe('an address', () => {
  const index = node('index', 'index-server');
  const open = node('open', 'content-server', { host: '0.0.0.0' });
  const book = new AddressBook([
    { node: index, ports: { tcp: 5050 } },
    { node: open, ports: { tcp: 7001, udp: 7002 } },
  ]);
  const at = (host: string, port: number, transport: 'tcp' | 'udp' = 'tcp') =>
    book.find({ host, port }, transport)?.node.id;

  it('is the node that listens there, however it is spelled', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '::ffff:127.0.0.1'])
      expect(at(host, 5050)).toBe('index');
    expect(at('127.0.0.1', 5051)).toBeUndefined();
    expect(at('127.0.0.1', 7002)).toBeUndefined();
    expect(at('127.0.0.1', 7002, 'udp')).toBe('open');
    // Datagrams to the number of a TCP port: a replica is asked there how it is.
    expect(at('127.0.0.1', 5050, 'udp')).toBe('index');
  });

  it('of this machine is the node that listens on every address, and one of another machine is not', () => {
    expect(at('127.0.0.9', 7001)).toBe('open');
    expect(at('192.0.2.1', 7001)).toBeUndefined();
    expect(at('127.0.0.9', 5050)).toBeUndefined();
  });

  it('tells nodes apart that have the same port on different addresses', () => {
    const replicas = new AddressBook(
      ['127.0.0.2', '127.0.0.3'].map((host) => ({
        node: node(host, 'content-server', { host }),
        ports: { tcp: 33_000 },
      })),
    );
    expect(replicas.find({ host: '127.0.0.3', port: 33_000 }, 'tcp')?.node.id).toBe('127.0.0.3');
  });
});

it('names traffic by the link it goes over', () => {
  const to = (kind: string, portName: string) => ({ node: node('x', kind), portName });
  expect(roleOf(node('a', 'content-server'), to('index-server', 'tcp'), 'tcp')).toBe('registration');
  expect(roleOf(node('a', 'content-server'), to('monitor', 'udp'), 'udp')).toBe('heartbeat');
  expect(roleOf(node('a', 'client'), to('content-server', 'tcp'), 'tcp')).toBe('transfer');
  expect(roleOf(node('a', 'client'), to('monitor', 'tcp'), 'tcp')).toBe('other');
  expect(roleOf(node('a', 'no-such-kind'), to('monitor', 'tcp'), 'tcp')).toBe('other');
});
