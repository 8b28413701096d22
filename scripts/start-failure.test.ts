import { expect, it } from 'vitest';
import { startFailure } from './start-failure.mjs';

const soon = { code: null, signal: null, afterMs: 800 };

it.each([
  ['refused its sandbox by the system', { ...soon, signal: 'SIGTRAP' as const }, 'SIGTRAP'],
  ['crashed, told by a shell', { ...soon, code: 139 }, 'SIGSEGV'],
  ['without a library', { ...soon, code: 127 }, 'library'],
  ['stopped by Windows', { ...soon, code: 0xc0000135 }, 'code 3221225781'],
])('is not started: %s', (_, end, reason) => {
  expect(startFailure(end)).toContain(reason);
});

it.each([
  ['closed', { ...soon, code: 0 }],
  ['ended by its own error', { ...soon, code: 1 }],
  ['stopped with Ctrl-C', { ...soon, signal: 'SIGINT' as const }],
  ['the same, told by a shell', { ...soon, code: 130 }],
  ['the same, on Windows', { ...soon, code: 0xc000013a }],
  ['killed', { ...soon, signal: 'SIGKILL' as const }],
  ['crashed after a while', { ...soon, signal: 'SIGTRAP' as const, afterMs: 60_000 }],
])('was started: %s', (_, end) => {
  expect(startFailure(end)).toBeUndefined();
});
