/** `micro-cdn replica-client -s SERVER -p PORT -l LOGFILE [--out FILE]`: gets the page once. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FetchProgress, FetchResult } from '../nodes/replica-client/manifest';
import { manifest } from '../nodes/replica-client/manifest';
import { commandHelp } from './cli-help';
import { type Flag, nodeFlags, parseLine, UsageError } from './flags';
import type { CommonOptions } from './own-command';
import { writeLine } from './printable';
import { runOperation, tellFailure } from './run-operation';

/** The page goes to standard output, or into the file of `--out`; everything else to standard error. */
export async function runReplicaClient(
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
): Promise<number> {
  const options = { out: '' };
  const node = nodeFlags(manifest);
  const flags = [...seedFlags(node.flags, options), ...commonFlags];
  const { help, positional } = parseLine(argv, flags);
  if (help) {
    const usage = 'micro-cdn replica-client -s SERVER -p PORT [-l LOGFILE] [--out FILE]';
    process.stdout.write(
      `${commandHelp({ name: manifest.command, summary: manifest.summary, usage, flags })}\n`,
    );
    return 0;
  }
  if (positional.length > 0) throw new UsageError(`"${positional[0]}" is one word too many. See --help.`);
  const say = (text: string): void => {
    if (!common.quiet) writeLine(process.stderr, text);
  };
  const scratch = options.out === '' ? await mkdtemp(join(tmpdir(), 'micro-cdn-')) : null;
  try {
    const out = scratch ? join(scratch, 'page') : resolve(options.out);
    const result = (await runOperation({
      kind: manifest.id,
      config: node.config([]),
      seed: common.seed,
      faults: common.faults,
      operation: 'fetch',
      input: { folder: dirname(out), name: basename(out) },
      progress: tellOfWaiting(say),
    })) as FetchResult;
    for (const mark of result.marks) say(mark);
    say(
      `${result.bytes} bytes from ${result.replica} in ${result.milliseconds} ms, ${result.verified} verified`,
    );
    if (scratch) await pipeline(createReadStream(result.path), process.stdout, { end: false });
    else process.stdout.write(`${result.path}\n`);
    return 0;
  } catch (error) {
    return tellFailure(error);
  } finally {
    if (scratch) await rm(scratch, { recursive: true, force: true });
  }
}

/** Without a replica the client waits as long as it takes: whoever looks has to know that, and when it goes on. */
export function tellOfWaiting(say: (text: string) => void): (progress: Record<string, unknown>) => void {
  let waits = false;
  return (progress) => {
    const { noReplica, replica } = progress as unknown as FetchProgress;
    if (noReplica !== waits)
      say(noReplica ? 'No replica is up: waiting for one.' : `${replica} is up: going on.`);
    waits = noReplica;
  };
}

/** The seed's spellings, and `--out` as a file instead of the panel's folder. */
function seedFlags(flags: readonly Flag[], options: { out: string }): Flag[] {
  const spelt = flags
    .filter(({ names }) => !names.includes('--folder'))
    .map((flag) => {
      if (flag.names.includes('--server')) return { ...flag, names: ['-s', ...flag.names] };
      return flag.names.includes('--port') ? { ...flag, names: ['-p', ...flag.names] } : flag;
    });
  const out: Flag = {
    names: ['--out'],
    value: 'FILE',
    help: 'Save the page there; another name is chosen when the file exists. Default: standard output.',
    apply: (value) => {
      options.out = value;
    },
  };
  return [...spelt, out];
}
