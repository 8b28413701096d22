import { expect, it } from 'vitest';
import { printable } from './printable';

it('shows what a terminal would obey, and leaves text and line ends alone', () => {
  expect(printable('\x1b]0;title\x07\x1b[2Ja\rb\x9b1A\0')).toBe(
    '\\x1b]0;title\\x07\\x1b[2Ja\\x0db\\x9b1A\\x00',
  );
  expect(printable('two lines\nof größe 文 🎉\n')).toBe('two lines\nof größe 文 🎉\n');
});
