/** The texts of `--help`. */
import { familyLabels, type NodeManifest } from '../contract/manifest';
import type { Flag } from './flags';

export interface CommandHelp {
  name: string;
  summary: string;
  usage: string;
  flags: readonly Flag[];
}

export function overview(commands: readonly CommandHelp[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Build, watch and break a content delivery network on your own machine.',
    '',
    'Usage: micro-cdn COMMAND [flags]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'micro-cdn COMMAND --help explains a command; --version prints the version.',
  ].join('\n');
}

export function commandHelp({ summary, usage, flags }: CommandHelp): string {
  return [summary, '', `Usage: ${usage}`, '', ...flagLines(flags)].join('\n');
}

export function nodeHelp(
  manifest: NodeManifest,
  positional: readonly string[],
  flags: readonly Flag[],
): string {
  const listens = Object.values(manifest.fields).some((field) => field.control === 'port');
  const values = [...(listens ? [] : ['NAME']), ...positional].map((value) => ` ${value}`).join('');
  return [
    `${manifest.label} (${familyLabels[manifest.family]}). ${manifest.summary}`,
    '',
    `Usage: micro-cdn ${manifest.command}${values} [flags]`,
    '',
    ...flagLines(flags),
    '',
    listens
      ? `Prints "READY ${manifest.command} <name>=<port> …" when it serves. Ctrl-C drains, a second one stops.`
      : 'Exits with 0 when the whole file is saved and verified, and prints its path last.',
  ].join('\n');
}

function flagLines(flags: readonly Flag[]): string[] {
  const rows = flags.map(
    ({ names, value, help }) => [`${names.join(', ')}${value ? ` ${value}` : ''}`, help] as const,
  );
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, help]) =>
    left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${help}` : `  ${left.padEnd(width)}  ${help}`,
  );
}
