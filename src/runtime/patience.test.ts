import { expect, it } from 'vitest';
import { Patience } from './patience';

it('leaves the calls after a slow one to others, until as many were quick', () => {
  const patience = new Patience(4, 3, 0);
  patience.heldUp(4);
  expect(patience.mayHoldUp).toBe(true);
  patience.heldUp(5);
  for (let call = 0; call < 3; call++) {
    expect(patience.mayHoldUp).toBe(false);
    patience.waited(2);
  }
  expect(patience.mayHoldUp).toBe(true);
});

it('does not take the detour through another thread for a slow disk, but knows one', () => {
  const patience = new Patience(4, 2, 1);
  patience.waited(15);
  expect(patience.mayHoldUp).toBe(true);
  patience.heldUp(5);
  patience.waited(1);
  patience.waited(40);
  patience.waited(1);
  expect(patience.mayHoldUp).toBe(false);
  patience.waited(1);
  expect(patience.mayHoldUp).toBe(true);
});
