/** The control plane: wires its parts together. Both shells, and the tests, construct exactly this. */
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type CallName, type CallOutput, type CallParsed, calls } from '../contract/calls';
import { StudioError } from '../contract/errors';
import type { ShellInfo, Snapshot } from '../contract/events';
import type { NodeSpec, Workspace } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';
import { Content } from './content/content';
import { EventHub, type Session, type SessionOptions } from './events/event-hub';
import { Faults } from './faults/faults';
import { createHandlers, type Handlers } from './handlers';
import { Journal } from './journal/journal';
import { NodeRecords } from './journal/node-records';
import { TelemetryRouter } from './journal/telemetry-router';
import { Recordings } from './recording/recordings';
import { Relays } from './relays/relays';
import { SettingsStore } from './settings';
import type { NodeLauncher } from './supervisor/launcher';
import { Supervisor } from './supervisor/supervisor';
import { Tasks } from './tasks';
import { Catalogue, catalogueMark } from './transfers/catalogue';
import { ensureClient } from './transfers/ensure-client';
import { type SavedFile, SavedFiles } from './transfers/saved-files';
import { Transfers } from './transfers/transfers';
import { listWorkspaces, newWorkspacePath } from './workspace/library';
import { OpenWorkspace } from './workspace/open-workspace';
import { downloadsFolder, nodeFolder, trashFolder } from './workspace/workspace-paths';

/** What only a shell can do. Absent: calls for it are answered with an error. */
export interface ShellActions {
  /** Shows a file or folder in the system's file manager. */
  reveal(path: string): Promise<void>;
  /** Asks the person; null when they cancel. */
  choose(what: 'files' | 'folder' | 'workspace', title: string): Promise<string[] | null>;
}

export interface CoreOptions {
  /** Folder for settings and workspaces; made if it is missing. */
  dataFolder: string;
  /** The `resources` folder of this program: sample files. */
  resourcesFolder: string;
  launcher: NodeLauncher;
  shell: ShellInfo;
  shellActions?: ShellActions;
  /** How long a node may take to obey a heal before it is restarted, milliseconds. */
  obeyMs?: number | undefined;
  /** Workspace to open, made if it is missing. Default: the one that was open last. */
  workspacePath?: string | undefined;
}

const SNAPSHOT_JOURNAL = 500;

/** @throws StudioError when `workspacePath` cannot be opened */
export async function createCore(options: CoreOptions): Promise<Core> {
  await mkdir(options.dataFolder, { recursive: true });
  // The hub asks for the watch before there is a supervisor to tell.
  let core: Core | undefined;
  const hub = new EventHub(() => core?.supervisor.refreshWatch());
  const settings = await SettingsStore.load(options.dataFolder, hub);
  core = new Core(options, hub, settings);
  await core.openFirst();
  return core;
}

export class Core {
  readonly options: CoreOptions;
  readonly hub: EventHub;
  readonly settings: SettingsStore;
  readonly journal: Journal;
  readonly records: NodeRecords;
  readonly tasks: Tasks;
  readonly supervisor: Supervisor;
  readonly faults: Faults;
  readonly relays: Relays;
  readonly content: Content;
  readonly transfers: Transfers;
  readonly catalogue: Catalogue;
  readonly recordings: Recordings;
  readonly savedFiles = new SavedFiles();
  readonly #handlers: Handlers;
  readonly #catalogueMarks = new Map<string, string>();
  #workspace: OpenWorkspace | undefined;
  /** Workspaces are changed one after the other. */
  #switching: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: CoreOptions, hub: EventHub, settings: SettingsStore) {
    this.options = options;
    this.hub = hub;
    this.settings = settings;
    this.journal = new Journal(hub);
    this.records = new NodeRecords(hub);
    this.tasks = new Tasks(hub);
    const { journal, records, tasks } = this;
    const folder = (node: NodeSpec, field: string): string => this.#folderOf(node, field);
    const addresses = (): Supervisor['addresses'] => this.supervisor.addresses;
    const router = new TelemetryRouter({ hub, journal, records, addresses });
    this.supervisor = new Supervisor({
      launcher: options.launcher,
      hub,
      journal,
      tasks,
      folder,
      deadlines: () => ({
        startMs: settings.current.startDeadlineMs,
        stopMs: settings.current.stopDeadlineMs,
        drainMs: settings.current.drainDeadlineMs,
        obeyMs: options.obeyMs,
      }),
      faultsOf: (node) => this.faults.of(node),
      isFrozen: (id) => this.faults.isFrozen(id),
      onTelemetry: (node, telemetry) => {
        router.route(node, telemetry);
        if (telemetry.counters) this.faults.observe(node, telemetry.counters);
        if (telemetry.snapshot) this.#noticeCatalogue(node, telemetry.snapshot);
      },
      onPortsChanged: () => {
        this.supervisor.refreshFaults();
        this.faults.refreshFrozen();
      },
      onEnding: () => this.faults.refreshFrozen(),
      onEnded: (node) => {
        router.forget(node.id);
        if (this.#catalogueMarks.delete(node.id)) hub.push({ type: 'files-changed', node: node.id });
        this.faults.nodeEnded(node.id);
      },
    });
    this.faults = new Faults({
      hub,
      journal,
      platform: options.shell.platform,
      node: (id) => this.supervisor.spec(id),
      view: (id) => this.supervisor.viewIfKnown(id),
      nodes: () => this.#workspace?.document.nodes ?? [],
      get: () => this.#workspace?.document.faults ?? [],
      set: (faults) => {
        this.#workspace?.setFaults(faults);
        this.supervisor.refreshFaults();
      },
    });
    this.relays = new Relays({ hub, workspace: () => this.workspace, supervisor: () => this.supervisor });
    this.content = new Content({
      hub,
      tasks,
      node: (id) => this.supervisor.spec(id),
      folderOf: folder,
      trash: () => trashFolder(this.workspace.path),
      notes: (node) => heldBack(this.supervisor.view(node.id).snapshot),
    });
    const operate: Supervisor['operate'] = (...args) => this.supervisor.operate(...args);
    this.transfers = new Transfers({
      hub,
      journal,
      operate,
      addresses,
      ensureClient: (name, client, signal) => ensureClient(this, name, client, signal),
    });
    this.catalogue = new Catalogue({
      operate,
      addresses,
      nodes: () => this.workspace.document.nodes,
      indexes: () =>
        this.workspace.document.nodes
          .filter(
            (node) => manifestOf(node.kind)?.catalogue && this.supervisor.view(node.id).phase === 'running',
          )
          .map(({ id }) => id),
    });
    this.recordings = new Recordings(this);
    this.#handlers = createHandlers(this);
  }

  get workspace(): OpenWorkspace {
    if (!this.#workspace)
      throw new StudioError('NO_WORKSPACE', 'A workspace is being opened.', 'Try again in a moment.');
    return this.#workspace;
  }

  /**
   * Carries out one call of a panel. The input comes from outside and is parsed by its schema first.
   * @throws StudioError, always of a kind that a person understands
   */
  async call<N extends CallName>(name: N, input: unknown, session: Session): Promise<CallOutput<N>> {
    if (!Object.hasOwn(calls, name))
      throw new StudioError('UNKNOWN_CALL', `There is no call "${String(name)}".`, 'Reload the panel.');
    if (this.#closing) throw new StudioError('CLOSING', 'The studio is closing.', 'Open it again.');
    const parsed = calls[name].input.safeParse(input ?? {});
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
      throw new StudioError('BAD_INPUT', `${where}${issue?.message ?? 'not valid'}`, `In ${name}.`);
    }
    const checked = parsed.data as CallParsed<N>;
    return await this.recordings.pass(name, checked, () => this.#handlers[name](checked, session));
  }

  /** Opens a panel. Batches follow until it is closed. */
  openSession(options: SessionOptions): Session {
    return this.hub.open(options);
  }

  /** Takes the bytes of an upload that was announced by `files.prepareUpload`. */
  receiveUpload(uploadId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.content.receiveUpload(uploadId, chunks);
  }

  /** A finished download, for the ticket that `transfers.saveAs` gave. */
  openSaved(ticket: string): Promise<SavedFile> {
    return this.savedFiles.open(ticket);
  }

  /** Everything that a panel needs to draw itself, now. */
  snapshot(session: Session): Snapshot {
    return {
      seq: session.snapshotTaken(),
      shell: this.options.shell,
      workspace: this.workspace.view(),
      nodes: this.supervisor.views(),
      transfers: this.transfers.views(),
      tasks: this.tasks.views(),
      journal: this.journal.list({ limit: SNAPSHOT_JOURNAL }),
      settings: this.settings.current,
      faults: this.faults.list(),
      recorder: this.recordings.view,
    };
  }

  /** At the start: the workspace that was asked for, else the last one that can be opened, else a new one. */
  async openFirst(): Promise<void> {
    const { workspacePath, dataFolder } = this.options;
    if (workspacePath !== undefined) return this.openWorkspace(workspacePath);
    const { recentWorkspaces } = this.settings.current;
    const known = (await listWorkspaces(dataFolder, recentWorkspaces)).map(({ path }) => path);
    const lastFirst = recentWorkspaces.filter((path) => known.includes(path));
    for (const path of new Set([...lastFirst, ...known])) {
      try {
        return await this.openWorkspace(path);
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        this.hub.notice('warning', 'Another workspace is open now', `${error.message} ${error.hint ?? ''}`);
      }
    }
    await this.createWorkspace('My network');
  }

  /** Begins a new, empty workspace of this name. */
  createWorkspace(name: string): Promise<void> {
    return this.#switch(async () => {
      await this.#switchTo(await newWorkspacePath(this.options.dataFolder, name), name);
    });
  }

  /** Stops all nodes, saves, and opens another workspace. The present one stays open when that fails. */
  openWorkspace(path: string): Promise<void> {
    return this.#switch(() => this.#switchTo(path));
  }

  #switch(run: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(run);
    this.#switching = done.catch(() => undefined);
    return done;
  }

  async #switchTo(path: string, name?: string): Promise<void> {
    const absolute = resolve(path);
    if (this.#workspace?.path === absolute) return;
    const next = await OpenWorkspace.open({
      path: absolute,
      name,
      hub: this.hub,
      onChange: (document) => this.#follow(document),
    });
    await this.#leaveWorkspace();
    this.#workspace = next;
    this.supervisor.sync(next.document);
    this.#remember(absolute);
    this.hub.restart();
    this.hub.push({ type: 'workspace', workspace: next.view() });
    if (next.document.startOnOpen)
      void this.supervisor.start(
        next.document.nodes.filter(({ kind }) => manifestOf(kind)).map(({ id }) => id),
      );
  }

  /**
   * Ends everything: nodes are asked to stop and killed at their deadline, edits are saved. Once begun it goes
   * on; later calls wait for the same end.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Kills every node at once, for a person who does not want to wait for `close`. */
  async closeNow(): Promise<void> {
    await this.supervisor.killAll();
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#switching;
    await this.#leaveWorkspace();
    await this.supervisor.close();
    await this.settings.flush();
    this.hub.close();
  }

  async #leaveWorkspace(): Promise<void> {
    const workspace = this.#workspace;
    if (!workspace) return;
    await this.recordings.leave();
    this.tasks.cancelAll();
    await this.transfers.close();
    await this.supervisor.clear();
    this.content.close();
    this.transfers.clear();
    this.tasks.clear();
    this.records.clear();
    this.journal.beginAnew();
    await workspace.close();
    this.#workspace = undefined;
  }

  #follow(document: Workspace): void {
    const before = new Set(this.supervisor.views().map(({ id }) => id));
    this.supervisor.sync(document);
    this.supervisor.refreshFaults();
    // Set or healed, or gone (and back, by undo) with their nodes.
    this.hub.push({ type: 'faults', faults: document.faults });
    for (const { id } of document.nodes) before.delete(id);
    for (const id of before) {
      this.content.forget(id);
      this.records.forget(id);
    }
  }

  #remember(path: string): void {
    const others = this.settings.current.recentWorkspaces.filter((known) => known !== path);
    this.settings.set({ recentWorkspaces: [path, ...others].slice(0, 20) });
  }

  /** Where a node's folder field leads: what the person chose, else a place beside the workspace. */
  #folderOf(node: NodeSpec, field: string): string {
    const { path } = this.workspace;
    const configured = node.config[field];
    if (typeof configured === 'string' && configured !== '') return resolve(dirname(path), configured);
    const manifest = manifestOf(node.kind);
    if (manifest?.downloads && field !== manifest.filesField)
      return resolve(this.settings.current.downloadFolder || downloadsFolder(path));
    return join(nodeFolder(path, node.id), field);
  }

  /** Tells the panels when what an index knows is no longer what they show. */
  #noticeCatalogue(node: NodeSpec, snapshot: Record<string, unknown>): void {
    if (!manifestOf(node.kind)?.catalogue) return;
    const mark = catalogueMark(snapshot);
    if (this.#catalogueMarks.get(node.id) === mark) return;
    this.#catalogueMarks.set(node.id, mark);
    this.hub.push({ type: 'files-changed', node: node.id });
  }
}

/** Names that a content server does not announce as they are, and why; see its snapshot. */
function heldBack(snapshot: Record<string, unknown>): ReadonlyMap<string, string> {
  const list = Array.isArray(snapshot.heldBack) ? snapshot.heldBack : [];
  return new Map(
    list.flatMap((each: { name?: unknown; reason?: unknown }) =>
      typeof each?.name === 'string' && typeof each.reason === 'string' ? [[each.name, each.reason]] : [],
    ),
  );
}
