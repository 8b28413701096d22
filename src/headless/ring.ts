/** `micro-cdn ring [--prev-ip IP --prev-port PORT] [--port 4043]`: without a port, the next free one is taken. */
import { manifest } from '../nodes/ring-server/manifest';
import { nodeHelp } from './cli-help';
import { type Flag, nodeFlags, parseLine, UsageError } from './flags';
import type { CommonOptions } from './own-command';

export async function runRing(
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
): Promise<number> {
  let portGiven = false;
  const node = nodeFlags(manifest);
  const flags = [...node.flags, ...commonFlags].map((flag) => {
    if (!flag.names.includes('--port')) return flag;
    const apply = (value: string): void => {
      portGiven = true;
      flag.apply(value);
    };
    return { ...flag, apply };
  });
  const { help, positional } = parseLine(argv, flags);
  if (help) {
    process.stdout.write(`${nodeHelp(manifest, node.positional, flags)}\n`);
    return 0;
  }
  if (positional.length > 0) throw new UsageError(`"${positional[0]}" is one word too many. See --help.`);
  const config = node.config([]);
  const { runForeground } = await import('./foreground');
  const nextFreePort = !portGiven || config.nextFreePort;
  return runForeground(manifest, { ...common, config: { ...config, nextFreePort } });
}
