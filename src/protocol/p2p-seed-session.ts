/** One seed peer at the index, as a state machine: receives and time in, commands and lists out. */
import { parseSeedCommand, parseSeedNames, type SeedCommand } from './p2p-seed';

/** A list is complete when nothing more came for so long: the seed has no mark for its end. */
const LIST_QUIET_MS = 60;
/** A peer whose folder is empty sends nothing at all: after so long its list counts as empty. */
const EMPTY_LIST_MS = 400;
const MAX_LIST_CHARACTERS = 4 * 1024 * 1024;
const MAX_COMMAND_CHARACTERS = 4096;

export type SeedEvent =
  | { type: 'command'; command: SeedCommand }
  /** What the peer has, in full. */
  | { type: 'files'; names: string[] }
  /** The peer sends what no peer sends: close the connection. */
  | { type: 'flooded' };

interface OwedList {
  text: string;
  dueAt: number;
}

export class SeedSession {
  #decoder = new TextDecoder();
  /** Set while the peer owes its list. */
  #list: OwedList | null = null;
  /** The list as it was when it was taken for complete: what is no command may still be the rest of it. */
  #finished: string | null = null;

  /** Takes one receive. */
  receive(bytes: Uint8Array, now: number): SeedEvent[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (this.#list) return this.#receiveList(this.#list, text, now);
    if (text.length > MAX_COMMAND_CHARACTERS && this.#finished === null) return [{ type: 'flooded' }];
    return this.#command(text, now);
  }

  /** When `tick` has something to do, in the caller's milliseconds; null: never. */
  get dueAt(): number | null {
    return this.#list?.dueAt ?? null;
  }

  tick(now: number): SeedEvent[] {
    return this.#list && now >= this.#list.dueAt ? [this.#finishList()] : [];
  }

  #receiveList(list: OwedList, text: string, now: number): SeedEvent[] {
    // A person who is quick, or an empty folder: the next command comes where the list was expected. A folder
    // whose only file is called `update` is read wrongly here; the seed cannot tell the two apart either.
    if (parseSeedCommand(text).type !== 'unknown') return [this.#finishList(), ...this.#command(text, now)];
    list.text += text;
    list.dueAt = now + LIST_QUIET_MS;
    return list.text.length > MAX_LIST_CHARACTERS ? [{ type: 'flooded' }] : [];
  }

  #command(text: string, now: number): SeedEvent[] {
    const command = parseSeedCommand(text);
    if (command.type === 'unknown' && this.#finished !== null) {
      this.#list = { text: this.#finished, dueAt: now };
      this.#finished = null;
      return this.#receiveList(this.#list, text, now);
    }
    this.#finished = null;
    if (command.type === 'register' || command.type === 'update' || command.type === 'delete') {
      this.#list = { text: '', dueAt: now + EMPTY_LIST_MS };
    }
    return [{ type: 'command', command }];
  }

  #finishList(): SeedEvent {
    this.#finished = this.#list?.text ?? '';
    const names = parseSeedNames(this.#finished);
    this.#list = null;
    return { type: 'files', names };
  }
}
