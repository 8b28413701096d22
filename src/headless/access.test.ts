import { describe, expect, it } from 'vitest';
import { allowedHosts } from './access';

describe('the names of the panel', () => {
  it('are those of its address, with its port', () => {
    expect([...allowedHosts({ host: '127.0.0.1', port: 8080 })].sort()).toEqual([
      '127.0.0.1:8080',
      '[::1]:8080',
      'localhost:8080',
    ]);
  });

  it('need no port where it is that of HTTP, which browsers leave out', () => {
    const hosts = allowedHosts({ host: '::1', port: 80 });
    for (const name of ['localhost', 'localhost:80', '[::1]', '127.0.0.1'])
      expect(hosts, name).toContain(name);
  });

  it('can be more, with the port that is seen from outside', () => {
    const others = ['CDN.example', 'localhost:9000', 'proxy.example:80', '[fd00::1]:9000'];
    const hosts = allowedHosts({ host: '127.0.0.1', port: 8080 }, others);
    for (const name of ['cdn.example:8080', 'localhost:9000', 'proxy.example', '[fd00::1]:9000'])
      expect(hosts, name).toContain(name);
    expect(hosts).not.toContain('cdn.example');
    expect(hosts).not.toContain('cdn.example:9000');
  });
});
