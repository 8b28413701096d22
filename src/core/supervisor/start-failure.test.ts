import { expect, it } from 'vitest';
import { missingAddress } from './start-failure';

it('says how macOS comes to a second address of its own', () => {
  expect(missingAddress('127.0.0.2', 'darwin').hint).toContain('sudo ifconfig lo0 alias 127.0.0.2 up');
  expect(missingAddress('127.0.0.2', 'linux').hint).not.toContain('ifconfig');
  expect(missingAddress('10.1.2.3', 'darwin').hint).not.toContain('ifconfig');
  expect(missingAddress('127.0.0.2; reboot', 'darwin').hint).not.toContain('ifconfig');
});
