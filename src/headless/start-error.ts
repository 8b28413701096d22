import type { StudioError } from '../contract/errors';
import type { NodeManifest } from '../contract/manifest';
import { pathProblem } from '../core/storage/path-problem';
import { missingAddress } from '../core/supervisor/start-failure';
import { kebab } from './flags';

/** What a person reads when a foreground node cannot start: what happened, why, and what to do. */
export function friendlyStartError(
  error: StudioError,
  manifest: NodeManifest,
  config: Record<string, unknown>,
): string {
  const ports = Object.entries(manifest.fields).filter(([, field]) => field.control === 'port');
  const taken = ports.find(([key]) => error.message.endsWith(`:${String(config[key])}`));
  const flag = taken ? `--${taken[1].flag ?? kebab(taken[0])}` : 'another port';
  const path = /, \w+ '(.+)'$/.exec(error.message)?.[1];
  const problem = path === undefined ? undefined : pathProblem(error.code);
  if (problem) return `${manifest.label}: ${path} cannot be used: ${problem}. Choose another path.`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${manifest.label}: port ${taken ? String(config[taken[0]]) : ''} is in use by another program. Choose ${flag} N, or end that program.`;
    case 'EACCES':
      return `${manifest.label}: this account may not listen on port ${taken ? String(config[taken[0]]) : ''}. Choose ${flag} N, 1024 or higher.`;
    case 'EADDRNOTAVAIL': {
      const { message, hint } = missingAddress(String(config.host));
      return `${manifest.label}: ${message} Choose another --host: ${hint}`;
    }
    default:
      return `${manifest.label}: ${error.message}${error.hint ? ` ${error.hint}` : ''}`;
  }
}
