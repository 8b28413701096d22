/** The downloads of a client by name: what they share, and how their priority is changed while they run. */
import { StudioError } from '../../contract/errors';
import type { Priority } from '../../contract/priority';
import { Shares } from '../../protocol/pieces/shares';
import type { MultiSourceDownload } from './download';

export class Steering {
  readonly shares = new Shares();
  readonly #underWay = new Map<string, Set<Steered>>();

  /** A download begins; `end` it. @param priority undefined: as it was when it was last begun */
  begin(name: string, priority: Priority | undefined): Steered {
    const same = this.#underWay.get(name) ?? new Set();
    const steered = new Steered(this.shares, priority, () => {
      same.delete(steered);
      if (same.size === 0 && this.#underWay.get(name) === same) this.#underWay.delete(name);
    });
    this.#underWay.set(name, same.add(steered));
    return steered;
  }

  /** @throws StudioError 'NO_DOWNLOAD' when nothing of that name is under way */
  prioritise(name: string, priority: Priority): void {
    const same = this.#underWay.get(name);
    if (!same) throw new StudioError('NO_DOWNLOAD', `No download of ${name} is under way.`);
    for (const steered of same) steered.prioritise(priority);
  }
}

/** One of them. While it comes from one source alone it has that to itself, and its priority counts for nothing. */
export class Steered {
  readonly shares: Shares;
  readonly end: () => void;
  #priority: Priority | undefined;
  #download: MultiSourceDownload | null = null;

  constructor(shares: Shares, priority: Priority | undefined, end: () => void) {
    this.shares = shares;
    this.#priority = priority;
    this.end = end;
  }

  get priority(): Priority | undefined {
    return this.#priority;
  }

  /** It comes from several sources at once. */
  started(download: MultiSourceDownload): void {
    this.#download = download;
  }

  prioritise(priority: Priority): void {
    this.#priority = priority;
    this.#download?.setPriority(priority);
  }
}
