/** The columns of the lists of balancers, rings and P2P nodes as they are exported: all that is known, for programs. */
import type { BackendView, HttpDecision } from '../../../../nodes/http-balancer/manifest';
import type { P2pIndexSnapshot } from '../../../../nodes/p2p-index/manifest';
import type { PeerSource, PeerUpload } from '../../../../nodes/p2p-peer/manifest';
import type { BalancerDecision, ReplicaScore } from '../../../../nodes/replica-balancer/manifest';
import type { RingOperations, RingSnapshot } from '../../../../nodes/ring-server/manifest';
import type { CsvColumn } from '../../../export/csv';
import type { ComparedCopy } from './ring-copies';

type Columns<Row> = readonly CsvColumn<Row>[];

export const httpServerColumns: Columns<BackendView> = [
  { header: 'Server', value: ({ address }) => address },
  { header: 'State', value: ({ state }) => state },
  { header: 'Detail', value: ({ detail }) => detail },
  { header: 'Test, ms', value: ({ testMs }) => testMs },
  { header: 'Tested', value: ({ testedAt }) => testedAt && new Date(testedAt) },
  { header: 'Rank', value: ({ rank }) => rank },
  { header: 'Share', value: ({ share }) => share },
  { header: 'Latency, ms', value: ({ latencyMs }) => latencyMs },
  { header: 'Load', value: ({ load }) => load },
  { header: 'Chosen', value: ({ chosen }) => chosen },
  { header: 'Failures', value: ({ failures }) => failures },
];

export const httpDecisionColumns: Columns<HttpDecision> = [
  { header: 'Time', value: ({ at }) => new Date(at) },
  { header: 'Client', value: ({ client }) => client },
  { header: 'Path', value: ({ path }) => path },
  { header: 'Policy', value: ({ policy }) => policy },
  { header: 'Winner', value: ({ winner }) => winner },
  { header: 'Reason', value: ({ reason }) => reason },
  {
    header: 'Candidates',
    value: ({ candidates }) =>
      candidates.map(({ address, score, state }) => `${address} ${score ?? '–'} ${state}`).join('; '),
  },
];

export const replicaColumns: Columns<ReplicaScore> = [
  { header: 'Replica', value: ({ address }) => address },
  { header: 'State', value: ({ state }) => state },
  { header: 'Detail', value: ({ detail }) => detail },
  { header: 'Ours', value: ({ ours }) => ours },
  { header: 'Round trip, ms', value: ({ rttMs }) => rttMs },
  { header: 'Loss', value: ({ loss }) => loss },
  { header: 'Load', value: ({ load }) => load },
  { header: 'Cost', value: ({ cost }) => cost },
  { header: 'Assigned', value: ({ assigned }) => assigned },
];

export const replicaDecisionColumns: Columns<BalancerDecision> = [
  { header: 'Time', value: ({ at }) => new Date(at) },
  { header: 'Client', value: ({ client }) => client },
  { header: 'Replica', value: ({ address }) => address },
  { header: 'Reason', value: ({ reason }) => reason },
  { header: 'Waited, ms', value: ({ waitedMs }) => waitedMs },
  {
    header: 'Ranking',
    value: ({ ranking }) => ranking.map(({ address, cost }) => `${address} ${cost}`).join('; '),
  },
];

export const registeredPeerColumns: Columns<P2pIndexSnapshot['peers'][number]> = [
  { header: 'Peer', value: ({ host, port }) => `${host}:${port}` },
  { header: 'User', value: ({ user }) => user },
  { header: 'Dialect', value: ({ dialect }) => dialect },
  { header: 'Files', value: ({ files }) => files },
  { header: 'Bytes', value: ({ bytes }) => bytes },
  { header: 'Uploads', value: ({ uploads }) => uploads },
  { header: 'Slots', value: ({ slots }) => slots },
  { header: 'Since', value: ({ since }) => new Date(since) },
];

export const peerSourceColumns: Columns<PeerSource> = [
  { header: 'Source', value: ({ address }) => address },
  { header: 'State', value: ({ state }) => state },
  { header: 'Bytes', value: ({ bytes }) => bytes },
  { header: 'Bytes per second', value: ({ bytesPerSecond }) => bytesPerSecond },
  { header: 'Why', value: ({ why }) => why },
  { header: 'Note', value: ({ note }) => note },
];

export const peerUploadColumns: Columns<PeerUpload> = [
  { header: 'Peer', value: ({ address }) => address },
  { header: 'File', value: ({ file }) => file },
  { header: 'State', value: ({ choked }) => (choked ? 'waits for a slot' : 'sending') },
  { header: 'Bytes', value: ({ bytes }) => bytes },
  { header: 'Bytes per second', value: ({ bytesPerSecond }) => bytesPerSecond },
];

export const ringMemberColumns: Columns<RingSnapshot['members'][number]> = [
  { header: 'Member', value: ({ address }) => address },
  { header: 'State', value: ({ state }) => state },
  { header: 'Program', value: ({ program }) => program },
  { header: 'Incarnation', value: ({ incarnation }) => incarnation },
];

export const ringCopyColumns: Columns<ComparedCopy> = [
  { header: 'Member', value: ({ name }) => name },
  { header: 'List', value: ({ list }) => list.join(' ') },
  { header: 'List differs', value: ({ listDiffers }) => listDiffers },
  { header: 'Content', value: ({ contentDigest }) => contentDigest },
  { header: 'Content differs', value: ({ contentDiffers }) => contentDiffers },
];

export const ringItemColumns: Columns<RingOperations['items']['output'][number]> = [
  { header: 'Item', value: ({ name }) => name },
  { header: 'Version', value: ({ version }) => version },
  { header: 'By', value: ({ by }) => by },
  { header: 'Bytes', value: ({ size }) => size },
  { header: 'SHA-256', value: ({ sha256 }) => sha256 },
];
