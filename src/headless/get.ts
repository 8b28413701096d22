/** `micro-cdn get [-proxy H:P] [-balancer] HOST:PORT/PATH`: one download over HTTP, with the seed's spellings. */
import { resolve } from 'node:path';
import { type Endpoint, parseEndpoint } from '../contract/endpoint';
import { type DownloadResult, manifest } from '../nodes/http-client/manifest';
import { commandHelp } from './cli-help';
import { type Flag, nodeFlags, parseLine, UsageError } from './flags';
import type { CommonOptions } from './own-command';
import { writeLine } from './printable';
import { runOperation, tellFailure } from './run-operation';

const USAGE = 'micro-cdn get [-proxy HOST:PORT] [-balancer] HOST:PORT/PATH [--out DIR]';

/** The path of the saved file goes to standard output, everything else to standard error. */
export async function runGet(
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
): Promise<number> {
  const options = { proxy: [] as Endpoint[], balancer: false, out: '.' };
  const node = nodeFlags(manifest);
  const shown = node.flags.filter(({ names }) =>
    ['--timeout-ms', '--attempts', '--no-verify', '--mirrors', '--max-sources'].includes(names[0] ?? ''),
  );
  const flags = [...ownFlags(options), ...shown, ...commonFlags];
  const { help, positional } = parseLine(argv, flags);
  if (help) {
    process.stdout.write(`${commandHelp({ name: 'get', summary: manifest.summary, usage: USAGE, flags })}\n`);
    return 0;
  }
  const [name, more] = positional;
  if (name === undefined) throw new UsageError(`Name what to get: ${USAGE}`);
  if (more !== undefined) throw new UsageError(`"${more}" is one word too many. See --help.`);
  const say = (text: string): void => {
    if (!common.quiet) writeLine(process.stderr, text);
  };
  try {
    const result = (await runOperation({
      kind: manifest.id,
      config: { ...node.config([]), server: null, proxy: options.proxy, out: resolve(options.out) },
      seed: common.seed,
      faults: common.faults,
      operation: 'download',
      input: { name: name.includes('/') ? name : `${name}/` },
    })) as DownloadResult;
    for (const { text } of result.marks) say(text);
    if (options.balancer && result.marks.length === 0) say('There was no redirect: this is not a balancer.');
    say(`${result.size} bytes, ${result.verified} verified, sha256 ${result.sha256}`);
    process.stdout.write(`${result.path}\n`);
    return 0;
  } catch (error) {
    return tellFailure(error);
  }
}

function ownFlags(options: { proxy: Endpoint[]; balancer: boolean; out: string }): Flag[] {
  return [
    {
      names: ['-proxy', '--proxy'],
      value: 'HOST:PORT',
      help: 'Ask this forward proxy.',
      apply: (value) => {
        const endpoint = parseEndpoint(value, 9000);
        if (!endpoint) throw new UsageError(`-proxy takes HOST:PORT, not "${value}".`);
        options.proxy = [endpoint];
      },
    },
    {
      names: ['-balancer', '--balancer'],
      help: 'The address is a balancer: its redirect is followed, and it is asked again when a server fails.',
      apply: () => {
        options.balancer = true;
      },
    },
    {
      names: ['--out', '-o'],
      value: 'DIR',
      help: 'Save into this folder (default: the current one).',
      apply: (value) => {
        options.out = value;
      },
    },
  ];
}
