import { isMemberRecord, type MemberRecord } from '../../protocol/ring-members';
import type { Folder, Log } from '../../runtime/context';
import { replaceWhole } from '../shared/whole-file';
import type { Membership } from './membership';
import { readText } from './read-text';

/** What a member remembers of its ring, to find it again after a restart. */
export interface SavedRing {
  /** Names of the circle. */
  rings: string[];
  members: MemberRecord[];
}

const FILE = '.ring/ring.json';

/** What was last saved about the ring; empty when there is nothing, or nothing usable. */
export async function readRing(folder: Folder): Promise<SavedRing> {
  try {
    const { rings, members } = JSON.parse((await readText(folder, FILE)) ?? '{}') as Partial<SavedRing>;
    return {
      rings: Array.isArray(rings) ? rings.filter((ring) => typeof ring === 'string') : [],
      members: Array.isArray(members) ? members.filter(isMemberRecord) : [],
    };
  } catch {
    return { rings: [], members: [] };
  }
}

/** Saves who is in the ring. */
export class RingFile {
  #saved = '';
  #saving = false;
  #closed = false;

  constructor(
    readonly folder: Folder,
    readonly membership: Membership,
    readonly log: Log,
  ) {}

  /** Saves, if anything has changed, and again if it changes meanwhile. */
  async save(): Promise<void> {
    if (this.#saving) return;
    this.#saving = true;
    try {
      while (!this.#closed && this.#saved !== this.#digest) {
        const digest = this.#digest;
        const { rings, table } = this.membership;
        const saved: SavedRing = { rings: [...rings], members: table.records };
        await replaceWhole(this.folder, FILE, JSON.stringify(saved));
        this.#saved = digest;
      }
    } catch (error) {
      // The next change tries again.
      this.log.warn(`The ring's members could not be saved: ${(error as Error).message}`);
    } finally {
      this.#saving = false;
    }
  }

  /** Saves nothing more: a member that leaves on purpose is still in its ring when it is started again. */
  close(): void {
    this.#closed = true;
  }

  get #digest(): string {
    return `${[...this.membership.rings].join()} ${this.membership.table.digest}`;
  }
}
