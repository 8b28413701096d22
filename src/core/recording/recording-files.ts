/** The recordings of a workspace: files in a folder beside it, each written at once or not at all. */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { StudioError, toErrorShape } from '../../contract/errors';
import { type RecordingRow, recordingIdPattern } from '../../contract/recording';
import { readIfPresent, writeAtomically } from '../storage/atomic-file';
import { pathProblem } from '../storage/path-problem';
import { slugOf } from '../workspace/library';
import { formatRecording, parseRecording, type Recording } from './recording';

const EXTENSION = '.json';

/**
 * Reads a file that should be a recording. It is left as it is, whatever is in it.
 * @throws StudioError 'NO_RECORDING' where there is none, 'BAD_RECORDING' for one that cannot be read
 */
export async function readRecording(path: string): Promise<Recording> {
  const text = await readIfPresent(path).catch((error: unknown) => {
    const { code, message } = toErrorShape(error);
    throw badRecording(path, pathProblem(code) ?? message);
  });
  if (text === null)
    throw new StudioError('NO_RECORDING', `There is no recording ${basename(path)}.`, 'It may be deleted.');
  const parsed = parseRecording(text);
  if ('recording' in parsed) return parsed.recording;
  throw badRecording(path, parsed.problem);
}

function badRecording(path: string, problem: string): StudioError {
  return new StudioError(
    'BAD_RECORDING',
    `The recording ${basename(path)} cannot be read: ${problem}.`,
    'The file was left as it is. Record again, or mend it in an editor.',
  );
}

export class RecordingFiles {
  /** @param folder absolute path of the folder for the open workspace; made with the first recording */
  constructor(private readonly folder: () => string) {}

  /** The newest first; one that cannot be read says why. */
  async list(): Promise<RecordingRow[]> {
    const rows = await Promise.all((await this.#ids()).map((id) => this.#row(id)));
    return rows.filter((row) => row !== null).sort((a, b) => b.recordedAt - a.recordedAt);
  }

  read(id: string): Promise<Recording> {
    return readRecording(this.path(id));
  }

  /** @throws StudioError of code 'NO_RECORDING' */
  async text(id: string): Promise<{ fileName: string; text: string }> {
    const text = await readIfPresent(this.path(id));
    if (text !== null) return { fileName: `${id}${EXTENSION}`, text };
    throw new StudioError('NO_RECORDING', `There is no recording ${id}.`);
  }

  /** Writes a new file, or that of `id` anew; resolves to its row. */
  async save(recording: Recording, id?: string): Promise<RecordingRow> {
    const own = id ?? (await this.#freeId(recording.name));
    await writeAtomically(this.path(own), formatRecording(recording));
    return rowOf(own, recording);
  }

  /** Deletes it, for good. */
  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
  }

  /** 'Recording 3': the first of these names that no recording has. */
  async freeName(): Promise<string> {
    const taken = new Set((await this.list()).map(({ name }) => name));
    for (let n = 1; ; n++) if (!taken.has(`Recording ${n}`)) return `Recording ${n}`;
  }

  path(id: string): string {
    return join(this.folder(), `${id}${EXTENSION}`);
  }

  async #ids(): Promise<string[]> {
    const names = await readdir(this.folder()).catch(() => []);
    return names
      .filter((name) => extname(name) === EXTENSION)
      .map((name) => basename(name, EXTENSION))
      .filter((id) => recordingIdPattern.test(id));
  }

  async #freeId(name: string): Promise<string> {
    const taken = new Set(await this.#ids());
    const slug = slugOf(name) || 'recording';
    for (let n = 1; ; n++) {
      const id = n === 1 ? slug : `${slug}-${n}`;
      if (!taken.has(id)) return id;
    }
  }

  /** Null for a file that is gone meanwhile. */
  async #row(id: string): Promise<RecordingRow | null> {
    const text = await readIfPresent(this.path(id)).catch(() => '');
    if (text === null) return null;
    const parsed = parseRecording(text);
    if ('recording' in parsed) return rowOf(id, parsed.recording);
    const written = await stat(this.path(id)).catch(() => undefined);
    const { problem } = parsed;
    return { id, name: id, recordedAt: written?.mtimeMs ?? 0, lengthMs: 0, steps: 0, problem };
  }
}

function rowOf(id: string, { name, recordedAt, lengthMs, steps }: Recording): RecordingRow {
  return { id, name, recordedAt: Date.parse(recordedAt), lengthMs, steps: steps.length };
}
