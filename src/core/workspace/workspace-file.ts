/** The workspace on disk: read with its backup, written atomically, owned by one studio at a time. */
import { basename } from 'node:path';
import { StudioError, toErrorShape } from '../../contract/errors';
import { type Workspace, workspaceSchema } from '../../contract/workspace';
import { keepAs, putAside, readIfPresent, writeAtomically } from '../storage/atomic-file';
import { type FileLock, lockFile } from '../storage/file-lock';
import { parseJson, schemaProblem } from '../storage/json-document';
import { pathProblem } from '../storage/path-problem';
import { workspaceFileName } from './workspace-paths';

/** What every workspace says of itself, near its beginning. */
const format = 'micro-cdn-studio';

/** What the person must be told about the file that was read. */
export type Recovery =
  /** The file could not be read; the former good version was used. */
  | { from: 'backup'; brokenFile?: string; problem: string }
  /** Neither could be read. */
  | { from: 'nothing'; brokenFile: string; problem: string };

export interface LoadedWorkspace {
  /** Null: there was no file, or nothing in it could be saved. */
  document: Workspace | null;
  recovery?: Recovery;
}

export class WorkspaceFile {
  private constructor(
    readonly path: string,
    readonly lock: FileLock,
  ) {}

  /** @throws StudioError 'WORKSPACE_IN_USE' when another studio has it open, or why the path cannot be used */
  static async own(path: string): Promise<WorkspaceFile> {
    const result = await lockFile(path).catch(unusable(path));
    if ('held' in result) return new WorkspaceFile(path, result.held);
    throw new StudioError(
      'WORKSPACE_IN_USE',
      `${basename(path)} is open in another studio (process ${result.holder.pid}).`,
      'Close it there first, or open another workspace.',
    );
  }

  /**
   * A workspace cut in half or otherwise invalid is put aside, never lost, and the backup takes its place.
   * @throws StudioError of code 'WORKSPACE_NEWER' for a file of a later version, and 'NOT_A_WORKSPACE' for one that
   * never was a workspace: both are left alone
   */
  async load(): Promise<LoadedWorkspace> {
    const text = await readIfPresent(this.path).catch(unusable(this.path));
    const main = text === null ? { problem: 'it is missing' } : parseWorkspace(text);
    if ('document' in main) return main;
    const backupText = await readIfPresent(this.backupPath);
    const backup = backupText === null ? null : parseWorkspace(backupText);
    if (text !== null && backup === null && !this.#wasOurs(text)) throw notOurs(this.path, main.problem);
    const brokenFile = text === null ? undefined : await putAside(this.path);
    if (backup && 'document' in backup) {
      await writeAtomically(this.path, backupText as string);
      const recovery = {
        from: 'backup' as const,
        problem: main.problem,
        ...(brokenFile ? { brokenFile } : {}),
      };
      return { document: backup.document, recovery };
    }
    if (brokenFile === undefined) return { document: null };
    return { document: null, recovery: { from: 'nothing', brokenFile, problem: main.problem } };
  }

  /** Writes the document; the version that was there becomes the backup, unless it is not readable. */
  async save(document: Workspace): Promise<void> {
    const former = await readIfPresent(this.path);
    if (former !== null) {
      const good = isReadable(former);
      if (good) await keepAs(this.path, this.backupPath);
      else await putAside(this.path);
    }
    await writeAtomically(this.path, `${JSON.stringify(document, null, 2)}\n`);
  }

  /**
   * Gives the file up, so that another studio may open it. Its last version is left as the backup, in a file of
   * its own: what damages the one while the studio is closed does not touch the other.
   */
  async close(): Promise<void> {
    const last = await readIfPresent(this.path).catch(() => null);
    if (last !== null && isReadable(last)) await writeAtomically(this.backupPath, last);
    await this.lock.release();
  }

  /** Whether it may be what is left of a workspace, and not a file of somebody else that was chosen by mistake. */
  #wasOurs(text: string): boolean {
    return basename(this.path) === workspaceFileName || text.trim() === '' || text.includes(`"${format}"`);
  }

  private get backupPath(): string {
    return `${this.path}.bak`;
  }
}

function notOurs(path: string, problem: string): StudioError {
  return new StudioError(
    'NOT_A_WORKSPACE',
    `${basename(path)} is no workspace: ${problem}.`,
    'It was left as it is. Choose another file; a new workspace is made in one that does not exist yet.',
  );
}

function unusable(path: string): (error: unknown) => never {
  return (error) => {
    const { code, message } = toErrorShape(error);
    throw new StudioError(
      code,
      `The workspace ${path} cannot be used: ${pathProblem(code) ?? message}.`,
      'Choose another file.',
    );
  };
}

/** @throws StudioError of code 'WORKSPACE_NEWER' */
export function parseWorkspace(text: string): { document: Workspace } | { problem: string } {
  const json = parseJson(text);
  if ('problem' in json) return json;
  refuseNewer(json.value);
  const parsed = workspaceSchema.safeParse(json.value);
  if (parsed.success) return { document: parsed.data };
  return { problem: schemaProblem(parsed.error, 'the document') };
}

function isReadable(text: string): boolean {
  try {
    return 'document' in parseWorkspace(text);
  } catch {
    // A newer version's file is whole.
    return true;
  }
}

function refuseNewer(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { format: ours, version } = value as { format?: unknown; version?: unknown };
  if (ours === format && typeof version === 'number' && version > 1)
    throw new StudioError(
      'WORKSPACE_NEWER',
      `This workspace was saved by a newer version of the studio (format ${version}).`,
      'Open it with that version. It was left as it is.',
    );
}
