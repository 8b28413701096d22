/** Hands finished downloads to a browser, which knows no paths of this machine. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { StudioError } from '../../contract/errors';

/** A ticket that is not used within this time is void. */
const TICKET_MS = 60_000;

export interface SavedFile {
  name: string;
  size: number;
  stream: Readable;
}

export class SavedFiles {
  readonly #paths = new Map<string, string>();

  /** Opaque, and good for one `open`. */
  ticket(path: string): string {
    const ticket = randomBytes(24).toString('base64url');
    this.#paths.set(ticket, path);
    setTimeout(() => this.#paths.delete(ticket), TICKET_MS).unref();
    return ticket;
  }

  /** @throws StudioError 'UNKNOWN_TICKET', or that the file is gone */
  async open(ticket: string): Promise<SavedFile> {
    const path = this.#paths.get(ticket);
    this.#paths.delete(ticket);
    if (path === undefined)
      throw new StudioError('UNKNOWN_TICKET', 'This address is no longer valid.', 'Save the file again.');
    const file = await open(path, 'r').catch(() => null);
    if (!file) throw new StudioError('ENOENT', `${basename(path)} is no longer where it was saved.`);
    const { size } = await file.stat();
    return { name: basename(path), size, stream: file.createReadStream() };
  }
}
