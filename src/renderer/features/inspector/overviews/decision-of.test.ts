import { expect, it } from 'vitest';
import type { Decision } from '../../../../nodes/index-server/manifest';
import { decisionOf } from './decision-of';

const decision = (at: number, winner: string | null): Decision => ({
  at,
  fileName: 'a',
  policy: 'least-load',
  candidates: [],
  winner,
  reason: '',
});
const decisions = [decision(900, 'CS1'), decision(500, 'CS2'), decision(120, 'CS1'), decision(100, null)];
const lookup = { index: 'index', fileName: 'a', at: 101 };

it('is the nearest in time that chose the server of the download', () => {
  expect(decisionOf({ ...lookup, serverId: 'CS1' }, decisions)?.at).toBe(120);
  expect(decisionOf({ ...lookup, serverId: 'CS2' }, decisions)?.at).toBe(500);
});

it('is the nearest in time where the server is not known, or none chose it', () => {
  expect(decisionOf(lookup, decisions)?.at).toBe(100);
  expect(decisionOf({ ...lookup, serverId: 'CS9' }, decisions)?.at).toBe(100);
  expect(decisionOf(lookup, [])).toBeUndefined();
});
