import { expect, it } from 'vitest';
import type { BackendView, HttpDecision } from '../../../../nodes/http-balancer/manifest';
import { csvOf } from '../../../export/csv';
import { httpDecisionColumns, httpServerColumns, peerUploadColumns, ringCopyColumns } from './exported-lists';
import { compareCopies } from './ring-copies';

it('a decision is exported with every candidate and its score, also of those that had none', () => {
  const decision: HttpDecision = {
    at: 0,
    client: '127.0.0.1:5',
    path: '/a,b',
    policy: 'least-in-flight',
    winner: null,
    reason: 'no server is up',
    candidates: [
      { address: '127.0.0.1:8000', state: 'up', load: 0, score: 0.5 },
      { address: '127.0.0.1:8100', state: 'down', load: 0, score: null },
    ],
  };
  expect(csvOf(httpDecisionColumns, [decision])).toBe(
    'Time,Client,Path,Policy,Winner,Reason,Candidates\r\n' +
      '1970-01-01T00:00:00.000Z,127.0.0.1:5,"/a,b",least-in-flight,,no server is up,' +
      '127.0.0.1:8000 0.5 up; 127.0.0.1:8100 – down\r\n',
  );
});

it('a server that was never tested leaves open what only a test tells', () => {
  const server: BackendView = {
    address: '127.0.0.1:8000',
    state: 'untested',
    latencyMs: 0,
    load: 0,
    watched: false,
    chosen: 2,
    failures: 1,
  };
  expect(csvOf(httpServerColumns, [server])).toContain('\r\n127.0.0.1:8000,untested,,,,,,0,0,2,1\r\n');
});

it('a copy of the list of a ring is exported whole, and says whether it differs', () => {
  const copy = (id: string, ...list: string[]) => ({ id, name: id, list, contentDigest: 'd' });
  const { rows } = compareCopies([copy('A', 'a:1', 'b:2'), copy('B', 'b:2', 'a:1'), copy('C', 'c:3')]);
  expect(csvOf(ringCopyColumns, rows)).toBe(
    'Member,List,List differs,Content,Content differs\r\n' +
      'A,a:1 b:2,false,d,false\r\nB,a:1 b:2,false,d,false\r\nC,c:3,true,d,false\r\n',
  );
});

it('an upload that waits is told from one that is sent', () => {
  const upload = { peer: 'p', address: 'a:1', file: 'f', bytes: 1, bytesPerSecond: 0 };
  const lines = csvOf(peerUploadColumns, [
    { ...upload, choked: true },
    { ...upload, choked: false },
  ]);
  expect(lines).toMatch(/a:1,f,waits for a slot,1,0\r\na:1,f,sending,1,0\r\n$/);
});
