import { homedir } from 'node:os';
import { join } from 'node:path';

const name = 'micro-cdn-studio';

/** Where settings and workspaces are kept, by the custom of each system; MICRO_CDN_DATA names another folder. */
export function defaultDataFolder(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (env.MICRO_CDN_DATA) return env.MICRO_CDN_DATA;
  if (platform === 'win32') return join(env.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), name);
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', name);
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), name);
}
