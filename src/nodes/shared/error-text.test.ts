import { expect, it } from 'vitest';
import { sentenceOf } from './error-text';

it('makes one sentence of phrases and sentences', () => {
  expect(sentenceOf('a: it does not answer', 'b: It closed.')).toBe('a: it does not answer; b: It closed.');
});
