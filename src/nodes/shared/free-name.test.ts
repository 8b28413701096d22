import { describe, expect, it } from 'vitest';
import { Simulation } from '../../runtime/testing/simulation';
import { giveFreeName, numbered } from './free-name';

describe('numbered', () => {
  it.each([
    ['a.txt', 1, 'a.txt'],
    ['a.txt', 2, 'a (2).txt'],
    ['a', 2, 'a (2)'],
    ['.profile', 2, '.profile (2)'],
    ['d.d/file', 3, 'd.d/file (3)'],
    ['d/.env', 2, 'd/.env (2)'],
    ['a.tar.gz', 2, 'a (2).tar.gz'],
    ['v1.2 notes.txt', 2, 'v1.2 notes (2).txt'],
  ])('%j, %i: %j', (name, number, result) => expect(numbered(name, number)).toBe(result));
});

it('files that are finished at the same time all keep their content', async () => {
  const folder = new Simulation().files.at('/out');
  folder.put('a.txt', 'was here');
  const numbers = [1, 2, 3];
  for (const number of numbers) folder.put(`.${number}.part`, String(number));
  const names = await Promise.all(numbers.map((number) => giveFreeName(folder, `.${number}.part`, 'a.txt')));
  expect(Buffer.from(folder.bytesOf('a.txt') ?? []).toString()).toBe('was here');
  expect([...names].sort()).toEqual(['a (2).txt', 'a (3).txt', 'a (4).txt']);
  for (const [at, name] of names.entries())
    expect(Buffer.from(folder.bytesOf(name) ?? []).toString()).toBe(String(numbers[at]));
});
