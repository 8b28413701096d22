/** `micro-cdn ring-client -get NAME | -put FILE -i IP -p PORT`: one GET or PUT. */
import { basename, dirname, resolve } from 'node:path';
import { manifest, type RingClientOperations } from '../nodes/ring-client/manifest';
import { commandHelp } from './cli-help';
import { type Flag, nodeFlags, parseLine, UsageError } from './flags';
import type { CommonOptions } from './own-command';
import { writeLine } from './printable';
import { runOperation, tellFailure } from './run-operation';

type Wanted = { get?: string; put?: string; as?: string };

/** Exits with 0 only when the file is saved, or is on every member that it has to be on. */
export async function runRingClient(
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
): Promise<number> {
  const wanted: Wanted = {};
  const node = nodeFlags(manifest);
  const flags = [...wantedFlags(wanted), ...node.flags.map(seedSpelling), ...commonFlags];
  const { help, positional } = parseLine(argv, flags);
  if (help) {
    const usage = 'micro-cdn ring-client -get NAME | -put FILE [-i IP] [-p PORT] [--out DIR]';
    process.stdout.write(
      `${commandHelp({ name: manifest.command, summary: manifest.summary, usage, flags })}\n`,
    );
    return 0;
  }
  if (positional.length > 0) throw new UsageError(`"${positional[0]}" is one word too many. See --help.`);
  if ((wanted.get === undefined) === (wanted.put === undefined)) {
    throw new UsageError('Say what to do: -get NAME or -put FILE.');
  }
  const run = (operation: string, input: unknown): Promise<unknown> =>
    runOperation({
      kind: manifest.id,
      config: node.config([]),
      seed: common.seed,
      faults: common.faults,
      operation,
      input,
    });
  try {
    return await (wanted.get === undefined ? put(run, wanted) : get(run, wanted.get));
  } catch (error) {
    return tellFailure(error);
  }
}

type Run = (operation: string, input: unknown) => Promise<unknown>;

async function get(run: Run, name: string): Promise<number> {
  const { path, size, sha256 } = (await run('get', { name })) as RingClientOperations['get']['output'];
  process.stderr.write(`${size} bytes, sha256 ${sha256}\n`);
  process.stdout.write(`${path}\n`);
  return 0;
}

async function put(run: Run, { put: file = '', as }: Wanted): Promise<number> {
  const path = resolve(file);
  const input = { folder: dirname(path), name: basename(path), item: as };
  const { item, size, status } = (await run('put', input)) as RingClientOperations['put']['output'];
  process.stderr.write(`${item}: ${size} bytes\n`);
  writeLine(process.stdout, status);
  return status.startsWith('200') ? 0 : 1;
}

function wantedFlags(wanted: Wanted): Flag[] {
  const take = (key: keyof Wanted) => (value: string) => {
    wanted[key] = value;
  };
  return [
    { names: ['-get', '--get'], value: 'NAME', help: 'Get this item and save it.', apply: take('get') },
    { names: ['-put', '--put'], value: 'FILE', help: 'Put this file.', apply: take('put') },
    { names: ['--as'], value: 'NAME', help: 'Put it under another name.', apply: take('as') },
  ];
}

function seedSpelling(flag: Flag): Flag {
  if (flag.names.includes('--ip')) return { ...flag, names: ['-i', ...flag.names] };
  return flag.names.includes('--port') ? { ...flag, names: ['-p', ...flag.names] } : flag;
}
