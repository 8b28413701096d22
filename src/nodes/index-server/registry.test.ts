import { describe, expect, it } from 'vitest';
import { MAX_SERVERS, Registry } from './registry';

const nobody = { fileAdded: () => {}, fileRemoved: () => {}, fileChanged: () => {} };
const at = (time: number) => ({ wall: time, steady: time });

describe('Registry', () => {
  it('makes room for a new server by forgetting the one that has been dead longest, and its files', () => {
    const registry = new Registry(nobody);
    const register = (number: number) =>
      registry.register({ serverId: `CS${number}`, host: 'h', tcpPort: 1, udpPort: 0 }, at(number));
    for (let number = 0; number < MAX_SERVERS; number++) register(number);
    expect(register(MAX_SERVERS)).toBeNull();
    const [first, second] = [registry.servers.get('CS0'), registry.servers.get('CS1')];
    if (!first || !second) throw new Error('They were registered.');
    registry.add(first, 'only here', 1);
    registry.add(first, 'both', 1);
    registry.add(second, 'both', 1);
    registry.setStatus(first, 'dead', at(20_000));
    registry.setStatus(second, 'dead', at(30_000));
    expect(register(MAX_SERVERS)?.serverId).toBe(`CS${MAX_SERVERS}`);
    expect(registry.servers.has('CS0')).toBe(false);
    expect([...registry.files.keys()]).toEqual(['both']);
  });

  it('takes no more than fits its bound, and again when something is gone', () => {
    const registry = new Registry(nobody, 100_000);
    const server = registry.register({ serverId: 'CS1', host: 'h', tcpPort: 1, udpPort: 0 }, at(0));
    if (!server) throw new Error('There is room.');
    const name = (number: number) => `${number}`.padEnd(1000, 'x');
    let taken = 0;
    while (registry.add(server, name(taken), 1) === 'added') taken++;
    expect(taken).toBe(43);
    expect(registry.add(server, name(0), 2)).toBe('changed');
    expect(registry.remove(server, name(0))).toBe(true);
    expect(registry.add(server, name(taken), 1)).toBe('added');
    expect(registry.add(server, name(0), 1)).toBe('full');
  });

  it('does not take what an older registration of the same server left unfinished for complete', () => {
    const registry = new Registry(nobody);
    const where = { serverId: 'CS1', host: 'h', tcpPort: 1, udpPort: 0 };
    const server = registry.register(where, at(0));
    if (!server) throw new Error('There is room.');
    registry.add(server, 'a', 1);
    registry.register(where, at(1));
    registry.add(server, 'b', 1);
    expect(registry.completeRegistration(server)).toBe(1);
    expect([...registry.files.keys()]).toEqual(['b']);
  });
});
