#!/usr/bin/env node
import { version } from '../../package.json';
import { parseEndpoint } from '../contract/endpoint';
import { StudioError } from '../contract/errors';
import type { FaultSpec } from '../contract/fault';
import type { NodeManifest } from '../contract/manifest';
/** The `micro-cdn` command: the panel in the browser, every node kind in the foreground, and the clients. */
import { parseFaults } from '../faults/parse';
import { faults } from '../faults/registry';
import { manifests } from '../nodes/manifests';
import { type CommandHelp, commandHelp, nodeHelp, overview } from './cli-help';
import { type Flag, nodeFlags, parseLine, UsageError } from './flags';
import { nearest } from './nearest';
import { ownCommands } from './own-command';

interface Command extends CommandHelp {
  name: string;
  run(argv: string[]): Promise<number>;
}

const panel: Command = {
  name: 'panel',
  summary: 'Open the control panel in the browser.',
  usage:
    'micro-cdn panel [--host 127.0.0.1] [--port N] [--allow-host NAME:PORT] [--no-open] [--workspace FILE]',
  flags: [],
  async run(argv) {
    const options = {
      host: '127.0.0.1',
      port: 0,
      allow: [] as string[],
      open: true,
      workspace: undefined as string | undefined,
    };
    const flags = panelFlags(options);
    const { help, positional } = parseLine(argv, flags);
    if (help) return print(commandHelp({ ...panel, flags }));
    if (positional.length > 0) throw new UsageError(`"${positional[0]}" is one word too many. See --help.`);
    const { runPanel } = await import('./panel');
    return runPanel(options);
  },
};

function panelFlags(options: {
  host: string;
  port: number;
  allow: string[];
  open: boolean;
  workspace: string | undefined;
}): Flag[] {
  return [
    {
      names: ['--host'],
      value: 'ADDRESS',
      help: 'Address to listen on (default 127.0.0.1: this machine only).',
      apply: (value) => {
        options.host = value;
      },
    },
    {
      names: ['--port'],
      value: 'N',
      help: 'Port to listen on (default: any free one).',
      apply: (value) => {
        const port = Number(value);
        if (!/^\d{1,5}$/.test(value) || port > 65_535)
          throw new UsageError(`--port takes a port, not "${value}".`);
        options.port = port;
      },
    },
    {
      names: ['--allow-host'],
      value: 'NAME[:PORT]',
      help: 'Another name by which browsers reach it, as through a published port. Repeat for several.',
      apply: (value) => {
        if (!parseEndpoint(value, 1))
          throw new UsageError(`--allow-host takes NAME or NAME:PORT, not "${value}".`);
        options.allow.push(value);
      },
    },
    {
      names: ['--no-open'],
      help: 'Only print the address; do not open the browser.',
      apply: () => {
        options.open = false;
      },
    },
    {
      names: ['--workspace'],
      value: 'FILE',
      help: 'Workspace to open; made if it is missing.',
      apply: (value) => {
        options.workspace = value;
      },
    },
  ];
}

const replay: Command = {
  name: 'replay',
  summary: 'Do again what was recorded in the panel.',
  usage: 'micro-cdn replay FILE [--workspace FILE]',
  flags: [],
  async run(argv) {
    let workspace: string | undefined;
    const flags: Flag[] = [
      {
        names: ['--workspace'],
        value: 'FILE',
        help: 'Workspace to replay it in (default: the one beside which the recording lies).',
        apply: (value) => {
          workspace = value;
        },
      },
    ];
    const { help, positional } = parseLine(argv, flags);
    if (help) return print(commandHelp({ ...replay, flags }));
    const [file, tooMany] = positional;
    if (file === undefined) throw new UsageError(`Name the recording: ${replay.usage}`);
    if (tooMany !== undefined) throw new UsageError(`"${tooMany}" is one word too many. See --help.`);
    const { runReplay } = await import('./replay-command');
    return runReplay({ file, workspace });
  },
};

function nodeCommand(manifest: NodeManifest): Command {
  return {
    name: manifest.command,
    summary: manifest.summary,
    usage: `micro-cdn ${manifest.command}`,
    flags: [],
    async run(argv) {
      const common = { seed: randomSeed(), verbose: false, quiet: false, faults: [] as FaultSpec[] };
      const own = ownCommands[manifest.id];
      if (own) return (await own())(argv, common, commonFlags(common));
      const node = nodeFlags(manifest);
      const flags = [...node.flags, ...commonFlags(common)];
      const { help, positional } = parseLine(argv, flags);
      if (help) return print(nodeHelp(manifest, node.positional, flags));
      if (listens(manifest)) {
        const config = node.config(positional);
        const { runForeground } = await import('./foreground');
        return runForeground(manifest, { ...common, config });
      }
      const [name, ...rest] = positional;
      if (name === undefined) throw new UsageError(`Name the file: micro-cdn ${manifest.command} NAME`);
      const config = node.config(rest);
      const { runDownload } = await import('./download-command');
      return runDownload(manifest, name, { ...common, config });
    },
  };
}

/** A kind that listens nowhere but downloads is a client: its command fetches one file and ends. */
function listens(manifest: NodeManifest): boolean {
  return !manifest.downloads || Object.values(manifest.fields).some((field) => field.control === 'port');
}

function commonFlags(common: {
  seed: number;
  verbose: boolean;
  quiet: boolean;
  faults: FaultSpec[];
}): Flag[] {
  return [
    {
      names: ['--seed'],
      value: 'N',
      help: 'Seed of the dice, so that a run can be repeated.',
      apply: (value) => {
        if (!/^\d{1,10}$/.test(value)) throw new UsageError(`--seed takes a whole number, not "${value}".`);
        common.seed = Number(value);
      },
    },
    {
      names: ['--fault'],
      value: 'KIND:NAME=VALUE,…',
      help: 'Break it: latency:delay=200,to=127.0.0.1:5050. Repeat for a chain; "--fault list" names all.',
      apply: (value) => {
        common.faults.push(...faultFlag(value, common.faults.length));
      },
    },
    {
      names: ['--verbose'],
      help: 'Show every message on the wire.',
      apply: () => {
        common.verbose = true;
      },
    },
    {
      names: ['--quiet'],
      help: 'Show nothing but errors.',
      apply: () => {
        common.quiet = true;
      },
    },
  ];
}

function faultFlag(value: string, before: number): FaultSpec[] {
  if (value === 'list') {
    const kinds = faults.map(({ kind, observe }) => `${kind.padEnd(18)} ${observe}`);
    throw new UsageError(`The faults are:\n\n${kinds.join('\n')}\n`);
  }
  try {
    // Two of one kind are two faults.
    return parseFaults([value]).map((fault) => ({ ...fault, id: `${fault.kind}-${before + 1}` }));
  } catch (error) {
    if (error instanceof StudioError) throw new UsageError(`--fault: ${error.message} ${error.hint ?? ''}`);
    throw error;
  }
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

async function main(argv: string[]): Promise<number> {
  const commands = [panel, replay, ...manifests.map(nodeCommand)];
  // "help NAME" is "NAME --help".
  const [name, ...rest] = argv[0] === 'help' && argv[1] !== undefined ? [argv[1], '--help'] : argv;
  if (name === undefined || ['--help', '-h', 'help'].includes(name)) return print(overview(commands));
  if (['--version', '-v', '-V', 'version'].includes(name) || rest.includes('--version'))
    return print(version);
  const command = commands.find((candidate) => candidate.name === name);
  if (command) return command.run(rest);
  const guess = nearest(
    name,
    commands.map((candidate) => candidate.name),
  );
  throw new UsageError(
    `There is no command "${name}".${guess ? ` Did you mean ${guess}?` : ''} See micro-cdn --help.`,
  );
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const usage = error instanceof UsageError;
    process.stderr.write(
      `micro-cdn: ${usage || !(error instanceof Error) ? String((error as Error).message ?? error) : (error.stack ?? error.message)}\n`,
    );
    process.exit(usage ? 2 : 1);
  },
);
