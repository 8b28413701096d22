/** Files of this machine that are to be copied into a node. */
import { createReadStream } from 'node:fs';
import { StudioError, toErrorShape } from '../../contract/errors';
import { pathProblem } from '../storage/path-problem';

const READ_BYTES = 1024 * 1024;

/** The bytes of a file. @throws StudioError that says that it cannot be read, so that nobody looks at where it goes */
export async function* readSource(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Why a file or folder cannot be added, and what to do. */
export function cannotRead(path: string, error: unknown): StudioError {
  const { code, message } = toErrorShape(error);
  if (code === 'ENOENT')
    return new StudioError(code, `There is no file or folder ${path}.`, 'It may have been moved or deleted.');
  const denied = code === 'EACCES' || code === 'EPERM';
  return new StudioError(
    code,
    `${path} cannot be read: ${pathProblem(code) ?? message}.`,
    denied ? 'Allow this account to read it, and add it again.' : 'Add it again when it can be read.',
  );
}
