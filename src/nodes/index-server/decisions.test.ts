import { expect, it } from 'vitest';
import { Decisions } from './decisions';
import type { Decision } from './manifest';

const decision = (at: number, candidates: number): Decision => ({
  at,
  fileName: 'a',
  policy: 'random',
  candidates: Array.from({ length: candidates }, (_, n) => ({
    ...{ serverId: `CS${n}`, address: '127.0.0.1:7001', load: 0 },
    ...{ alive: true, score: 0, note: 'drawn' },
  })),
  winner: 'CS0',
  reason: '',
});

it('keeps fewer of those that had very many candidates, so that nobody fills the memory with them', () => {
  const decisions = new Decisions();
  for (let at = 0; at < 100; at++) decisions.record(decision(at, 10_000));
  const kept = decisions.list({ limit: 1000 });
  expect(kept.map(({ at }) => at)).toEqual([99, 98, 97, 96, 95, 94, 93, 92, 91, 90]);
  decisions.record(decision(100, 200_000));
  expect(decisions.list({}).map(({ at }) => at)).toEqual([100]);
  decisions.record(decision(101, 1));
  expect(decisions.list({}).map(({ at }) => at)).toEqual([101]);
  expect(decisions.latest?.at).toBe(101);
});
