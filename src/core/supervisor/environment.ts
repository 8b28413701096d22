/** What a node process inherits: enough to find files, language and time zone, and nothing that changes how it runs. */
const inherited = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'SystemRoot',
  'SYSTEMROOT',
  'windir',
  'PATHEXT',
  'COMSPEC',
];

/**
 * The environment of a node process. Never NODE_OPTIONS or ELECTRON_RUN_AS_NODE, which would change the
 * program, and none of the secrets that a developer's shell carries.
 */
export function nodeEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of inherited) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
