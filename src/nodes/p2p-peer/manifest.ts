import { type ConfigOf, hostField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';
import type { Priority } from '../../contract/priority';

export const manifest = defineNode({
  id: 'p2p-peer',
  command: 'p2p-peer',
  family: 'p2p',
  label: 'P2P peer',
  namePrefix: 'Peer',
  summary: 'Shares the files of a folder with other peers, and downloads theirs from many at once.',
  icon: 'p2p-peer',
  tier: 3,
  layout: 'circle',
  portStep: 1,
  filesField: 'files',
  downloads: true,
  priorities: true,
  sources: true,
  positional: ['index', 'tcpPort', 'files'],
  fields: {
    host: hostField,
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'Other peers download here. Our own peers also ask at the UDP port of the same number.',
      default: 9001,
      flag: 'port',
    },
    index: {
      control: 'link',
      to: ['p2p-index'],
      port: 'tcp',
      transport: 'tcp',
      role: 'registration',
      defaultPort: 9000,
      flags: { host: 'index-host', port: 'index-port' },
      label: 'Index',
      help: 'Where it registers, and asks who has a file.',
    },
    files: {
      control: 'folder',
      label: 'Folder',
      help: 'The files to share; downloads come here as well. Empty: a folder of the workspace.',
      default: '',
      flag: 'folder',
    },
    register: {
      control: 'toggle',
      label: 'Register at start',
      help: 'Announce the files of the folder as soon as it runs.',
      default: true,
    },
    user: {
      control: 'text',
      label: 'User',
      help: 'Name to log in with, where the index requires it.',
      default: '',
      maxLength: 64,
    },
    password: {
      control: 'text',
      label: 'Password',
      help: 'Never sent: only a proof of it. It is kept in the workspace file as it is written here.',
      default: '',
      maxLength: 255,
    },
    slots: {
      control: 'number',
      label: 'Upload slots',
      help: 'So many peers download from this one at the same time; when more want to, the slots go around.',
      default: 8,
      min: 1,
      max: 100,
      advanced: true,
    },
    uploadLimit: {
      control: 'number',
      label: 'Upload limit',
      help: 'For all uploads together, per second. 0: none.',
      default: 0,
      min: 0,
      max: 100_000_000_000,
      unit: 'bytes',
      advanced: true,
    },
    downloadLimit: {
      control: 'number',
      label: 'Download limit',
      help: 'For each download, per second. 0: none.',
      default: 0,
      min: 0,
      max: 100_000_000_000,
      unit: 'bytes',
      advanced: true,
    },
    maxSources: {
      control: 'number',
      label: 'Sources at once',
      help: 'A download uses at most so many peers at the same time.',
      default: 8,
      min: 1,
      max: 50,
      advanced: true,
    },
    timeoutMs: {
      control: 'number',
      label: 'Time-out',
      help: 'A peer that sends nothing for so long is given up. It is noticed much earlier when others go on.',
      default: 5000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    patienceMs: {
      control: 'number',
      label: 'Wait for peers',
      help: 'How long a download waits for a peer that has the missing pieces before it fails.',
      default: 15_000,
      min: 0,
      max: 86_400_000,
      unit: 'ms',
      advanced: true,
    },
    strict: strictField(
      'Speak only what the seed protocol names: whole files from one peer, no frames, no login.',
    ),
    logFile: {
      control: 'text',
      label: 'Log file',
      help: 'A line per event. Empty: none.',
      default: '',
      flag: 'log-file',
      maxLength: 4096,
      advanced: true,
    },
  },
  dynamicLinks: [{ to: ['p2p-peer'], port: 'tcp', transport: 'tcp', role: 'transfer' }],
});

export type P2pPeerConfig = ConfigOf<(typeof manifest)['fields']>;

/** One source of a download, with why it was chosen and what came of it. */
export interface PeerSource {
  id: string;
  address: string;
  state: 'reserve' | 'connecting' | 'active' | 'choked' | 'stalled' | 'lost' | 'banned';
  bytes: number;
  bytesPerSecond: number;
  /** What happened to it. */
  note?: string;
  /** Why it was (or was not) taken: '1 of 8 upload slots were taken'. */
  why: string;
}

export interface PeerDownload {
  name: string;
  phase: 'waiting' | 'running' | 'paused' | 'verifying';
  bytes: number;
  size: number;
  bytesPerSecond: number;
  /** Bytes that came twice or were wrong. */
  wasted: number;
  /** 0: no limit. */
  limit: number;
  /** Its share of peers that other downloads of this node use at the same time. */
  priority: Priority;
  sources: PeerSource[];
  /** At most 400 cells, each standing for `perCell` pieces of `count`. */
  pieces: {
    perCell: number;
    count: number;
    /** Index into `sources` of whom most of the cell came from; -1: missing, -2: from an earlier run. */
    from: number[];
    /** How many sources have the rarest piece of the cell now. */
    availability: number[];
  };
}

export interface PeerUpload {
  peer: string;
  /** Where one of our own serves; where others connect from. */
  address: string;
  file: string;
  bytes: number;
  bytesPerSecond: number;
  /** It waits for a slot. */
  choked: boolean;
}

/** What a P2P peer shows of itself. */
export interface P2pPeerSnapshot {
  index: 'none' | 'connecting' | 'connected' | 'registered' | 'unreachable' | 'refused';
  /** What the index last said, or why it cannot be reached. */
  indexDetail?: string;
  dialect: 'frames' | 'seed' | null;
  files: number;
  bytes: number;
  /** Files that wait to be hashed; they can be downloaded as soon as they are. */
  hashing: number;
  /** Files that a foreign index is not told of as they are, and why. */
  heldBack: { name: string; reason: string }[];
  uploads: PeerUpload[];
  uploadLimit: number;
  downloads: PeerDownload[];
}

/** Input and output of the operations of a running peer. */
export interface P2pPeerOperations {
  /**
   * Downloads one file and shares it when it is in the peer's own folder. Progress is a `PeerDownloadProgress`;
   * cancelling keeps the `.part` file, so that a later download resumes. An existing file of that name is never
   * overwritten: `name (2)`.
   */
  download: {
    input: {
      name: string;
      folder?: string;
      keepPartial?: boolean;
      /** Absent: as it was when it was last begun, or else normal. */
      priority?: Priority;
      /** Stands for `maxSources` this once. */
      sources?: number;
    };
    output: PeerDownloadResult;
  };
  /**
   * Pauses, goes on, limits (bytes per second, 0: no limit) or changes the priority of a download that is under
   * way. Of a peer that several downloads use at once, those of high, normal and low priority get 4 : 2 : 1.
   */
  control: {
    input: { name: string; paused?: boolean; limit?: number; priority?: Priority };
    output: undefined;
  };
  /** For all uploads together, bytes per second; 0: no limit. */
  setUploadLimit: { input: { bytesPerSecond: number }; output: undefined };
  register: { input: undefined; output: { files: number } };
  unregister: { input: undefined; output: undefined };
  /** What other peers have. Sizes are 0 where a foreign index does not tell them. */
  list: { input: undefined; output: { name: string; size: number; holders: number }[] };
  /** The peer's own files. */
  shared: { input: undefined; output: { name: string; size: number }[] };
  /** Removes one of the peer's own files from its folder and from the index, and ends its uploads. */
  delete: { input: { name: string }; output: undefined };
}

export interface PeerDownloadProgress {
  phase: 'waiting' | 'running' | 'paused' | 'verifying';
  /** Absent while it is not known whether an earlier run had one, and where whole files come from one peer. */
  priority?: Priority;
  /** Path of the unfinished file, so that whoever cancels for good can delete it. */
  partial?: string;
  bytes: number;
  size?: number;
  source?: { serverId: string; address: string };
  /** Bytes by source. */
  segments: { source: string; bytes: number }[];
  /** Fail-overs, stalls, wrong pieces and resumes so far. */
  marks: { at: number; bytes: number; text: string }[];
}

export interface PeerDownloadResult extends PeerDownloadProgress {
  path: string;
  size: number;
  /** SHA-256 or root hash of the saved bytes, hex. */
  sha256?: string;
  verified: string;
  /** Bytes that came twice or were wrong. */
  wasted: number;
}
