/** The person's settings: read with defaults, saved atomically. */
import { join } from 'node:path';
import { toErrorShape } from '../contract/errors';
import { type Settings, settingsSchema } from '../contract/settings';
import type { EventHub } from './events/event-hub';
import { putAside, readIfPresent, writeAtomically } from './storage/atomic-file';
import { DelayedSave } from './storage/delayed-save';

export class SettingsStore {
  readonly #path: string;
  readonly #hub: EventHub;
  readonly #saver: DelayedSave;
  #settings: Settings;

  private constructor(path: string, hub: EventHub, settings: Settings) {
    this.#path = path;
    this.#hub = hub;
    this.#settings = settings;
    this.#saver = new DelayedSave(() => this.#save());
  }

  /** A file that cannot be read is put aside; a value that is not valid falls back to its default. */
  static async load(dataFolder: string, hub: EventHub): Promise<SettingsStore> {
    const path = join(dataFolder, 'settings.json');
    const text = await readIfPresent(path);
    const settings = text === null ? settingsSchema.parse({}) : parseSettings(text);
    if (settings) return new SettingsStore(path, hub, settings);
    const aside = await putAside(path);
    hub.notice(
      'warning',
      'The settings could not be read',
      `The defaults are used. The file is kept: ${aside}`,
    );
    return new SettingsStore(path, hub, settingsSchema.parse({}));
  }

  get current(): Settings {
    return this.#settings;
  }

  set(change: Partial<Settings>): void {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    this.#settings = settingsSchema.parse({ ...this.#settings, ...given });
    this.#hub.push({ type: 'settings', settings: this.#settings });
    this.#saver.changed();
  }

  flush(): Promise<void> {
    return this.#saver.flush();
  }

  async #save(): Promise<void> {
    try {
      await writeAtomically(this.#path, `${JSON.stringify(this.#settings, null, 2)}\n`);
    } catch (error) {
      this.#hub.notice('bad', 'The settings could not be saved', toErrorShape(error).message);
    }
  }
}

/** Every valid value of the file, defaults for the others; null when it is no settings file at all. */
export function parseSettings(text: string): Settings | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const valid = Object.entries(settingsSchema.shape).flatMap(([key, schema]) => {
    const parsed = schema.safeParse((value as Record<string, unknown>)[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return settingsSchema.parse(Object.fromEntries(valid));
}
