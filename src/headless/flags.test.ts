import { describe, expect, it } from 'vitest';
import type { NodeManifest } from '../contract/manifest';
import { manifestOf, manifests } from '../nodes/manifests';
import { type NodeFlags, nodeFlags, parseLine, UsageError } from './flags';

function parse(kind: string, line: string): { config: Record<string, unknown>; positional: string[] } {
  const manifest = manifestOf(kind);
  if (!manifest) throw new Error(kind);
  const node: NodeFlags = nodeFlags(manifest);
  const { positional } = parseLine(line.split(' ').filter(Boolean), node.flags);
  return { config: node.config([]), positional };
}

describe('flags of the node kinds', () => {
  it("take the seed's own command lines", () => {
    expect(parse('index-server', '--port 5051').config).toMatchObject({ tcpPort: 5051, host: '127.0.0.1' });
    expect(parse('monitor', '--udp-port 6000 --tcp-port 6001 --index-port 5050').config).toMatchObject({
      udpPort: 6000,
      tcpPort: 6001,
      index: { host: '127.0.0.1', port: 5050 },
      timeoutMs: 8000,
    });
    const content = parse(
      'content-server',
      '--server-id CS1 --tcp-port 7001 --udp-port 7002 --files . --index-port 5050 --monitor-udp-port 6000 --heartbeat-ms 50',
    ).config;
    expect(content).toMatchObject({
      serverId: 'CS1',
      tcpPort: 7001,
      udpPort: 7002,
      files: process.cwd(),
      index: { host: '127.0.0.1', port: 5050 },
      monitor: { host: '127.0.0.1', port: 6000 },
      heartbeatMs: 50,
    });
    expect(parse('client', 'hello.txt --index-port 5050 --out /tmp --index-host 127.0.0.2')).toMatchObject({
      positional: ['hello.txt'],
      config: { index: { host: '127.0.0.2', port: 5050 }, out: '/tmp' },
    });
  });

  it('link to the default ports without being asked, and to nothing when told', () => {
    expect(parse('client', '').config.index).toEqual({ host: '127.0.0.1', port: 5050 });
    expect(parse('index-server', '--no-monitor').config.monitor).toBeNull();
  });

  it('take --name=value, sizes and seconds', () => {
    expect(parse('monitor', '--timeout-ms=2s').config.timeoutMs).toBe(2000);
    expect(parse('monitor', '--timeout-ms 250').config.timeoutMs).toBe(250);
  });

  it('name a server by its port when it has no name', () => {
    expect(parse('content-server', '--files . --tcp-port 7301').config.serverId).toBe('CS7301');
  });

  it('take a table as one text', () => {
    const flags = nodeFlags(manifestOf('http-origin') as NodeManifest);
    const line = ['--files', '.', '--headers', '/img/ Cache-Control: max-age=60 | *.html X-Two: a: b'];
    parseLine(line, flags.flags);
    expect(flags.config([]).headers).toEqual([
      { pattern: '/img/', name: 'Cache-Control', value: 'max-age=60' },
      { pattern: '*.html', name: 'X-Two', value: 'a: b' },
    ]);
  });

  it.each([
    ['/img/ Cache-Control', '"/img/ Cache-Control" is not PATH Name: value.'],
    ['/a X: y | img/ X: y', 'Rule 2, Path: A folder (/img/)'],
    ['/ b@d: y', 'Rule 1, Header: A name of letters'],
    ['/ content-LENGTH: 5', 'Rule 1, Header: The server makes this field itself.'],
  ])('explain what is wrong with the table "%s"', (text, message) => {
    const flags = nodeFlags(manifestOf('http-origin') as NodeManifest);
    expect(() => {
      parseLine(['--files', '.', '--headers', text], flags.flags);
      flags.config([]);
    }).toThrow(message);
  });

  it.each([
    ['index-server', '--prot 5050', 'Did you mean --port?'],
    ['index-server', '--port x', 'a port between 1 and 65535'],
    ['index-server', '--port 70000', 'a port between 1 and 65535'],
    ['index-server', '--port', '--port needs a value'],
    ['index-server', '--policy least', 'is one of least-load'],
    ['index-server', '--policy least-lode', 'Did you mean least-load?'],
    ['monitor', '--timeout-ms 5', 'between 50 and 600000'],
    ['monitor', '--timeout-ms soon', 'takes a number'],
    ['content-server', '--server-id CS1', '--files DIR is needed'],
    ['index-server', '--strict=yes', 'takes no value'],
  ])('%s %s is refused with what to do', (kind, line, message) => {
    expect(() => parse(kind, line)).toThrow(UsageError);
    expect(() => parse(kind, line)).toThrow(message);
  });

  it('are distinct within every kind', () => {
    for (const manifest of manifests) {
      const names = nodeFlags(manifest).flags.flatMap((flag) => flag.names);
      expect(new Set(names).size, manifest.id).toBe(names.length);
    }
  });
});
