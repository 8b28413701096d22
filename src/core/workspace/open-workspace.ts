/** The workspace that is open: its document, its history, and its file. */
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type ErrorShape, StudioError, toErrorShape } from '../../contract/errors';
import type { WorkspaceView } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import type { NodeSpec, Workspace, WorkspaceCommand } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import { planRelay, type RelayLink, reroute } from '../relays/plan-relay';
import { DelayedSave } from '../storage/delayed-save';
import { isPortFree } from '../supervisor/ports';
import { applyEdit, describeEdit, type Edit, emptyWorkspace, nodeOf, seriesOf } from './document';
import { History } from './history';
import { planDuplicates, planNodes, type Surroundings } from './planning';
import { type Recovery, WorkspaceFile } from './workspace-file';
import { nodeFolder } from './workspace-paths';

export interface OpenOptions {
  path: string;
  /** Name of a workspace that is new; default: from the file's name. */
  name?: string | undefined;
  hub: EventHub;
  /** Called after every change of the document. */
  onChange(document: Workspace): void;
}

export class OpenWorkspace {
  readonly path: string;
  readonly #file: WorkspaceFile;
  readonly #options: OpenOptions;
  readonly #history = new History();
  readonly #saver = new DelayedSave(() => this.#save());
  #document: Workspace;
  #saveError: ErrorShape | undefined;
  /** Edits wait for one another: planning looks at the machine, and two must not choose the same port. */
  #edits: Promise<unknown> = Promise.resolve();

  private constructor(file: WorkspaceFile, document: Workspace, options: OpenOptions) {
    this.path = file.path;
    this.#file = file;
    this.#document = document;
    this.#options = options;
  }

  /**
   * Opens the file, or begins a new workspace where there is none; the panel is told what had to be recovered.
   * @throws StudioError of code 'WORKSPACE_IN_USE' or 'WORKSPACE_NEWER'
   */
  static async open(options: OpenOptions): Promise<OpenWorkspace> {
    const file = await WorkspaceFile.own(options.path);
    try {
      const { document, recovery } = await file.load();
      const name = options.name ?? nameOfFile(options.path);
      const workspace = new OpenWorkspace(file, document ?? emptyWorkspace(name), options);
      if (!document) workspace.#saver.changed();
      if (recovery) options.hub.notice('warning', ...recoveryNotice(recovery));
      return workspace;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get document(): Workspace {
    return this.#document;
  }

  /** See `History.position`: tells what an undo would undo from what was there before. */
  get position(): number {
    return this.#history.position;
  }

  view(): WorkspaceView {
    const { undoLabel, redoLabel } = this.#history;
    return {
      document: this.#document,
      path: this.path,
      canUndo: undoLabel !== undefined,
      canRedo: redoLabel !== undefined,
      ...(undoLabel === undefined ? {} : { undoLabel }),
      ...(redoLabel === undefined ? {} : { redoLabel }),
      ...(this.#saveError ? { saveError: this.#saveError } : {}),
    };
  }

  /** Carries out a person's command; resolves to the ids of the nodes it made. */
  apply(command: WorkspaceCommand): Promise<string[]> {
    return this.#inTurn(async () => {
      const edit = await this.#plan(command);
      this.#edit(edit);
      return edit.type === 'insert-nodes' ? edit.nodes.map((node) => node.id) : [];
    });
  }

  /** Adds several nodes as one step of the history. */
  insert(label: string, requests: Parameters<typeof planNodes>[1]): Promise<string[]> {
    return this.#inTurn(async () => {
      const nodes = await planNodes(this.#document, requests, this.#surroundings);
      this.#edit({ type: 'insert-nodes', nodes, label });
      return nodes.map((node) => node.id);
    });
  }

  /** Puts a relay on a link and leads our side over it, as one step of the history; resolves to the relay's id. */
  insertRelay(link: RelayLink): Promise<string> {
    return this.#inTurn(async () => {
      const { relay: request, fields } = planRelay(this.#document, link);
      const [relay] = (await planNodes(this.#document, [request], this.#surroundings)) as [NodeSpec];
      const node = nodeOf(this.#document, link.node);
      const config = reroute(node, { fields, outside: link.outside, relay: relay.id });
      this.#edit({ type: 'insert-relay', relay, node: node.id, config });
      return relay.id;
    });
  }

  undo(): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#history.undo(this.#document);
      if (!before) throw new StudioError('NOTHING_TO_UNDO', 'There is nothing to undo.');
      this.#become(before);
    });
  }

  redo(): Promise<void> {
    return this.#inTurn(async () => {
      const after = this.#history.redo(this.#document);
      if (!after) throw new StudioError('NOTHING_TO_REDO', 'There is nothing to redo.');
      this.#become(after);
    });
  }

  /** Faults are saved with the document, but are no edits: undo does not touch them. */
  setFaults(faults: FaultSpec[]): void {
    this.#become({ ...this.#document, faults });
  }

  /** Resolves when all edits so far are on the disk, or the failure was told. */
  async flush(): Promise<void> {
    await this.#edits;
    await this.#saver.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
  }

  get #surroundings(): Surroundings {
    return {
      isPortFree,
      hasFolder: async (id) => {
        const found = await stat(nodeFolder(this.path, id)).catch(() => null);
        return found !== null;
      },
    };
  }

  async #plan(command: WorkspaceCommand): Promise<Edit> {
    if (command.type === 'add-node') {
      const nodes = await planNodes(this.#document, [command], this.#surroundings);
      return { type: 'insert-nodes', nodes };
    }
    if (command.type === 'duplicate-nodes') {
      const nodes = await planDuplicates(this.#document, command.ids, this.#surroundings);
      return { type: 'insert-nodes', nodes };
    }
    return command;
  }

  #edit(edit: Edit): void {
    const before = this.#document;
    const after = applyEdit(before, edit);
    const name = seriesOf(edit);
    const series = name === undefined ? undefined : { name, at: Date.now() };
    this.#history.push(describeEdit(before, edit), before, after, series);
    this.#become(after);
  }

  #become(document: Workspace): void {
    this.#document = document;
    this.#saver.changed();
    this.#options.hub.push({ type: 'workspace', workspace: this.view() });
    this.#options.onChange(document);
  }

  async #save(): Promise<void> {
    const failedBefore = this.#saveError !== undefined;
    try {
      await this.#file.save(this.#document);
      this.#saveError = undefined;
    } catch (error) {
      this.#saveError = toErrorShape(error);
    }
    if (this.#saveError && !failedBefore)
      this.#options.hub.notice('bad', 'The workspace could not be saved', this.#saveError.message);
    if (this.#saveError || failedBefore)
      this.#options.hub.push({ type: 'workspace', workspace: this.view() });
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#edits.then(run);
    this.#edits = result.catch(() => undefined);
    return result;
  }
}

function nameOfFile(path: string): string {
  return basename(path, extname(path)).slice(0, 120) || 'Workspace';
}

function recoveryNotice(recovery: Recovery): [title: string, text: string] {
  const kept = recovery.brokenFile ? ` The damaged file is kept: ${recovery.brokenFile}` : '';
  if (recovery.from === 'backup')
    return [
      'The workspace was restored from its backup',
      `Its file could not be read (${recovery.problem}), so its backup is open: the last version, or the one before.${kept}`,
    ];
  return [
    'The workspace could not be read',
    `Its file is damaged (${recovery.problem}) and there is no usable backup, so an empty one is open.${kept}`,
  ];
}
