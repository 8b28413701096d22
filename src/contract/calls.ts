/**
 * Every call of the panel, in one place: what goes in, what comes out. Both transports (Electron's IPC, the
 * headless WebSocket) loop over this table; the receiving side parses each input with its schema.
 */
import { z } from 'zod';
import type { EventBatch, LogLine, Snapshot, WireMessage } from './events';
import { faultSpecSchema } from './fault';
import { priorities } from './priority';
import { type RecordingRow, recordingIdPattern } from './recording';
import { endpointSchema } from './schema';
import { settingsChangeSchema } from './settings';
import { positionSchema, workspaceCommandSchema } from './workspace';

const ids = z.object({ ids: z.array(z.string().min(1).max(64)).min(1).max(2000) });
const id = z.object({ id: z.string().min(1).max(64) });
const nothing = z.object({});
const recordingName = z.string().trim().min(1).max(120);
const recordingId = z.object({ id: z.string().regex(recordingIdPattern) });

/** A page of a sorted, filtered list; lists may have hundreds of thousands of rows. */
const page = z.object({
  search: z.string().max(255).default(''),
  sort: z.enum(['name', 'size', 'modified', 'holders']).default('name'),
  descending: z.boolean().default(false),
  offset: z.int().min(0).default(0),
  limit: z.int().min(1).max(1000).default(200),
});

export interface FileRow {
  name: string;
  size: number;
  modifiedMs: number;
  /** Why other programs might not see the file: a space in its name, for example. */
  note?: string;
}
export interface RemovedFile {
  /** What was removed at once has the same. */
  batch: string;
  name: string;
  size: number;
  removedMs: number;
}
export interface CatalogueRow {
  name: string;
  size: number;
  /** Ids of the servers that announced it, live ones first, and the nodes they are, where known. */
  holders: { serverId: string; alive: boolean; node?: string }[];
}
export interface Page<Row> {
  rows: Row[];
  /** Rows that match, whatever the page. */
  total: number;
}
export interface PortCheck {
  free: boolean;
  /** 'node CS1 of this workspace', 'process nginx (pid 812)', 'another program'. */
  holder?: string;
  /** The next free port above, to offer. */
  nextFree?: number;
}
export interface UploadTicket {
  /** Opaque, valid once, for `PUT /upload/<id>`. */
  uploadId: string;
  name: string;
  /** The task that it belongs to, possibly with others: `TaskView.id`. */
  task: string;
}

/** Ties an input schema to an output type; outputs come from our own core and are not parsed again. */
function call<Output>() {
  return <Input extends z.ZodType>(input: Input): { input: Input; output: Output } => ({
    input,
    output: undefined as Output, // a type only
  });
}

export const calls = {
  'studio.snapshot': call<Snapshot>()(nothing),
  /** What this panel looks at; logs and messages flow only for these nodes, nothing much while hidden. */
  'studio.watch': call<void>()(
    z.object({
      visible: z.boolean(),
      logs: z.array(z.string()).max(50).default([]),
      messages: z.array(z.string()).max(2000).default([]),
    }),
  ),

  /** Applies an edit; resolves to the ids of the nodes it made, if any. */
  'workspace.apply': call<{ ids: string[] }>()(z.object({ command: workspaceCommandSchema })),
  'workspace.undo': call<void>()(nothing),
  'workspace.redo': call<void>()(nothing),
  'workspace.list': call<{ path: string; name: string; nodes: number; modifiedMs: number }[]>()(nothing),
  /** Stops all nodes, then opens. `path` from `workspace.list`, or any file where the shell has paths. */
  'workspace.open': call<void>()(z.object({ path: z.string().min(1).max(4096) })),
  /** Stops all nodes and begins a new, empty workspace of this name. */
  'workspace.create': call<void>()(z.object({ name: z.string().trim().min(1).max(120) })),
  /** Builds and starts the sample in the present, empty workspace. */
  'workspace.sample': call<{ ids: string[] }>()(
    z.object({ sample: z.enum(['micro-cdn']).default('micro-cdn') }),
  ),

  'nodes.start': call<void>()(ids),
  'nodes.stop': call<void>()(ids),
  /** No new clients; stops when the present ones are finished. */
  'nodes.drain': call<void>()(ids),
  'nodes.restart': call<void>()(ids),
  /** SIGKILL, as a crash would be. Also the "Force stop" of a node that does not end. */
  'nodes.kill': call<void>()(ids),
  /** The node keeps its sockets and answers nothing, until `resume`. */
  'nodes.hang': call<void>()(ids),
  'nodes.resume': call<void>()(ids),
  /** Asks a running node something that its kind knows: `decisions` of an index, for example. */
  'nodes.operate': call<unknown>()(
    id.extend({ operation: z.string().min(1).max(64), input: z.unknown().optional() }),
  ),
  /**
   * Puts a relay between a node and a program outside, as one step that undo takes back, so that the link can be
   * broken; resolves to the relay's id.
   */
  'relays.insert': call<{ id: string }>()(
    z.object({ node: z.string(), outside: endpointSchema, position: positionSchema.optional() }),
  ),
  /** Takes a relay away: links over it go straight on, and the nodes that have them are restarted. */
  'relays.remove': call<void>()(id),
  /** `node`: the one that asks; a port that it holds itself is free for it. */
  'ports.check': call<PortCheck>()(
    z.object({
      host: z.string().max(255),
      port: z.int().min(1).max(65_535),
      transport: z.enum(['tcp', 'udp']),
      node: z.string().optional(),
    }),
  ),

  'files.list': call<Page<FileRow>>()(page.extend({ node: z.string() })),
  /** Moves files out of a node's folder, to be kept for `files.restore`. */
  'files.remove': call<{ batch: string; removed: number }>()(
    z.object({ node: z.string(), names: z.array(z.string().max(1024)).min(1).max(10_000) }),
  ),
  /** What was removed from a node, the newest first. */
  'files.removed': call<Page<RemovedFile> & { folder: string }>()(
    page.pick({ offset: true, limit: true }).extend({ node: z.string() }),
  ),
  /** Puts removed files back. One whose name is taken again stays where it is, and is among the problems. */
  'files.restore': call<{ restored: number; problems: string[] }>()(
    z.object({
      node: z.string(),
      files: z
        .array(z.object({ batch: z.string().max(200), name: z.string().max(1024) }))
        .min(1)
        .max(10_000),
    }),
  ),
  /** Deletes all that was removed from a node, for good. */
  'files.emptyTrash': call<{ deleted: number }>()(z.object({ node: z.string() })),
  /** Copies files and folders of this machine into a node, as a task. Only where `shell.paths`. */
  'files.import': call<{ tasks: string[] }>()(
    z.object({ node: z.string(), paths: z.array(z.string().min(1).max(4096)).min(1).max(10_000) }),
  ),
  /** Announces files that a browser will upload; each becomes a task with progress. */
  'files.prepareUpload': call<{ tickets: UploadTicket[] }>()(
    z.object({
      node: z.string(),
      files: z
        .array(z.object({ name: z.string().min(1).max(1024), size: z.int().min(0) }))
        .min(1)
        .max(10_000),
    }),
  ),
  'catalogue.list': call<Page<CatalogueRow>>()(page),

  /** Begins a download. Without `client`, a client node that can reach an index is taken, or added. */
  'transfers.download': call<{ id: string }>()(
    z.object({
      name: z.string().min(1).max(1024),
      client: z.string().optional(),
      folder: z.string().max(4096).optional(),
      /** From so many servers at once, at most, where the client's kind has `sources`; absent: as it is set. */
      sources: z.int().min(1).max(50).optional(),
    }),
  ),
  'transfers.pause': call<void>()(id),
  'transfers.resume': call<void>()(id),
  'transfers.cancel': call<void>()(id),
  /** Of a download that has not ended, by a client whose kind has priorities. */
  'transfers.prioritise': call<void>()(id.extend({ priority: z.enum(priorities) })),
  'transfers.retry': call<void>()(id),
  /** Takes ended transfers off the list (all of them without `id`). The files stay. */
  'transfers.clear': call<void>()(z.object({ id: z.string().optional() })),
  /** An address below the headless shell's, valid once and soon, from which the browser can save a finished file. */
  'transfers.saveAs': call<{ path: string }>()(id),
  'tasks.cancel': call<void>()(id),
  'tasks.clear': call<void>()(nothing),

  'logs.list': call<LogLine[]>()(
    z.object({ node: z.string(), limit: z.int().min(1).max(5000).default(500) }),
  ),
  'messages.list': call<WireMessage[]>()(
    z.object({
      nodes: z.array(z.string()).max(2000).default([]),
      limit: z.int().min(1).max(5000).default(500),
    }),
  ),

  /** Adds faults, or changes those with these ids; live. */
  'faults.set': call<void>()(z.object({ faults: z.array(faultSpecSchema).min(1).max(5000) })),
  /** Sets the faults of a preset (see `src/faults/presets.ts`) on these nodes. */
  'faults.preset': call<void>()(ids.extend({ preset: z.string().min(1).max(64) })),
  /** Puts the faults with these ids into this order, in the places that they hold together. */
  'faults.order': call<void>()(z.object({ ids: z.array(z.string().min(1).max(64)).min(1).max(5000) })),
  'faults.remove': call<void>()(z.object({ ids: z.array(z.string().min(1).max(64)).min(1).max(5000) })),
  'faults.healAll': call<void>()(nothing),

  /** From now on, what changes the network is recorded, whichever panel it comes from. */
  'recordings.start': call<void>()(nothing),
  /** Ends the recording and saves it with the workspace; null when nothing was done that could be saved. */
  'recordings.stop': call<(RecordingRow & { path: string }) | null>()(
    z.object({ name: recordingName.optional() }),
  ),
  /** Those of this workspace, the newest first; files that cannot be read among them. */
  'recordings.list': call<RecordingRow[]>()(nothing),
  /** Does again what was recorded, as a task. */
  'recordings.replay': call<{ task: string }>()(recordingId),
  'recordings.rename': call<void>()(recordingId.extend({ name: recordingName })),
  /** The file as it is, to be saved elsewhere. */
  'recordings.read': call<{ fileName: string; text: string }>()(recordingId),
  /** Deletes it for good. */
  'recordings.remove': call<void>()(recordingId),

  'settings.set': call<void>()(z.object({ settings: settingsChangeSchema })),
  /** Shows a file or folder in the system's file manager. Only where `shell.paths`. */
  'shell.reveal': call<void>()(z.object({ path: z.string().min(1).max(4096) })),
  /** Asks the person for a file or folder; null when they cancel. Only where `shell.paths`. */
  'shell.choose': call<string[] | null>()(
    z.object({ what: z.enum(['files', 'folder', 'workspace']), title: z.string().max(200) }),
  ),
} as const;

export type Calls = typeof calls;
export type CallName = keyof Calls;
/** What the caller writes: fields with defaults may be left out. */
export type CallInput<N extends CallName> = z.input<Calls[N]['input']>;
/** What the handler receives. */
export type CallParsed<N extends CallName> = z.output<Calls[N]['input']>;
export type CallOutput<N extends CallName> = Calls[N]['output'];

export const callNames = Object.keys(calls) as CallName[];

/** What the renderer holds, whichever shell it runs in. */
export interface StudioTransport {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  /** Batches from now on. The returned function ends it. */
  subscribe(onBatch: (batch: EventBatch) => void): () => void;
  /** Tells whether the core can be reached; a transport reconnects by itself. */
  onConnection(listener: (state: 'connected' | 'reconnecting' | 'lost', detail?: string) => void): () => void;
}
