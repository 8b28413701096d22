import type { Clock, Files, Log, WritableFile } from '../../runtime/context';

/** Size at which a log file is set aside as `<name>.1`, bytes. */
const ROTATE_AT = 1024 * 1024;
/** Files set aside: `.1` is the newest. */
const KEPT = 3;
/** Lines that wait for a slow disk; more are dropped, and the drop is noted in the file. */
const MAX_WAITING = 10_000;

/** A file with one line per event, rotated by size. Writing never makes the node wait. */
export class LogFile {
  readonly #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #file: WritableFile | undefined;
  #closed = false;

  /** @param path of the file; its folder is made. Empty: nothing is written. */
  constructor(
    readonly path: string,
    readonly files: Files,
    readonly clock: Clock,
    readonly log: Log,
  ) {}

  /** Appends `<ISO time> <text>`. */
  line(text: string): void {
    if (this.path === '' || this.#closed) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(`${new Date(this.clock.wallTime()).toISOString()} ${text.replace(/[\r\n]+/g, ' ')}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything is written and the file is closed. What is told afterwards is not written. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#append(this.#waiting.splice(0).join(''));
    } catch (error) {
      this.#waiting.length = 0;
      this.log.warn(`The log file ${this.path} cannot be written: ${(error as Error).message}`);
    } finally {
      this.#writing = undefined;
    }
  }

  async #append(lines: string): Promise<void> {
    const { folder, name } = splitPath(this.path);
    const place = await this.files.folder(folder);
    this.#file ??= await place.create(name);
    if (this.#file.size >= ROTATE_AT) {
      await this.#file.close();
      this.#file = undefined;
      for (let n = KEPT - 1; n >= 1; n--)
        await place.rename(`${name}.${n}`, `${name}.${n + 1}`).catch(ignoreMissing);
      await place.rename(name, `${name}.1`);
      this.#file = await place.create(name);
    }
    const note = this.#dropped > 0 ? `(${this.#dropped} lines were dropped)\n` : '';
    this.#dropped = 0;
    await this.#file.write(Buffer.from(lines + note), this.#file.size);
  }
}

/** `/a/b.log` → folder `/a`, name `b.log`; a bare name is in the present folder. */
export function splitPath(path: string): { folder: string; name: string } {
  const cut = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  if (cut < 0) return { folder: '.', name: path };
  return { folder: path.slice(0, cut) || path.slice(0, 1), name: path.slice(cut + 1) };
}

function ignoreMissing(error: unknown): void {
  if ((error as { code?: string }).code !== 'ENOENT') throw error;
}
