import { expect, it } from 'vitest';
import type { FetchProgress } from '../nodes/replica-client/manifest';
import { tellOfWaiting } from './replica-client';

it('the replica client says once that it waits for a replica, and once that it goes on', () => {
  const said: string[] = [];
  const show = tellOfWaiting((text) => said.push(text));
  const waiting: FetchProgress = { phase: 'waiting', noReplica: true, bytes: 0, bulk: false, marks: [] };
  const running = { ...waiting, phase: 'running', noReplica: false, replica: '127.0.0.2:33000' };
  for (const progress of [running, { ...waiting }, { ...waiting }, running, running]) show({ ...progress });
  expect(said).toEqual(['No replica is up: waiting for one.', '127.0.0.2:33000 is up: going on.']);
});
