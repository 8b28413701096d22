import { type Endpoint, parseEndpoint } from '../../contract/endpoint';
import type { Files, Timer } from '../../runtime/context';
import { splitPath } from '../shared/log-file';
import { readWhole } from '../shared/whole-file';

/** How often the file is looked at, ms. Watching its folder would watch all that is in there. */
export const LOOK_MS = 500;
const MAX_BYTES = 1024 * 1024;
const MAX_SERVERS = 1000;

/** One `address` or `address:port` a line; `#` begins a comment. Lines that are neither are named. */
export function parseServers(
  text: string,
  defaultPort: number,
): { servers: Endpoint[]; wrongLines: string[] } {
  const servers = new Map<string, Endpoint>();
  const wrongLines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const endpoint = parseEndpoint(entry, defaultPort);
    if (!endpoint || servers.size >= MAX_SERVERS) wrongLines.push(entry.slice(0, 80));
    else servers.set(`${endpoint.host} ${endpoint.port}`, endpoint);
  }
  return { servers: [...servers.values()], wrongLines };
}

/** Reads the file now and whenever it has changed. */
export class ServersFile {
  #seen = '';
  #timer: Timer | undefined;
  #looking = false;

  constructor(
    readonly path: string,
    readonly files: Files,
    readonly onText: (text: string) => void,
    readonly onError: (error: Error) => void,
  ) {}

  async start(every: (ms: number, run: () => void) => Timer): Promise<void> {
    await this.#look();
    this.#timer = every(LOOK_MS, () => void this.#look());
  }

  close(): void {
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { folder: path, name } = splitPath(this.path);
      if ((await this.files.kindOf(this.path)) !== 'file') throw new Error(`There is no file ${this.path}.`);
      const folder = await this.files.folder(path);
      const { size, modifiedMs } = await folder.stat(name);
      const seen = `${size} ${modifiedMs}`;
      if (seen === this.#seen) return;
      const bytes = await readWhole(folder, name, MAX_BYTES);
      this.#seen = seen;
      this.onText(bytes.toString());
    } catch (error) {
      this.#seen = '';
      this.onError(error as Error);
    } finally {
      this.#looking = false;
    }
  }
}
