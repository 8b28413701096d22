/**
 * A P2P peer in a terminal, as in the seed: commands on standard input, answers on standard output. At a terminal
 * there are a prompt, completion and help; from a pipe the commands run one after the other, and the peer goes on
 * sharing when the pipe ends.
 */
import { createInterface, type Interface } from 'node:readline';
import { manifest } from '../nodes/p2p-peer/manifest';
import { nodeHelp } from './cli-help';
import { type Flag, nodeFlags, parseLine } from './flags';
import { type ForegroundNode, runForeground } from './foreground';
import { nearest } from './nearest';
import type { CommonOptions } from './own-command';
import { completePeerLine } from './peer-completion';
import { printable, writeLine } from './printable';

const LOG_FILE = 'log.log';
/** To the beginning of the line, and nothing after it. */
const CLEAR_LINE = '\r\u001b[J';

interface Command {
  usage: string;
  help: string;
  run(node: ForegroundNode, argument: string, show: (text: string) => void): Promise<void>;
}

/** `INDEX_IP INDEX_PORT OWN_PORT FOLDER` → `INDEX_IP:INDEX_PORT OWN_PORT FOLDER`, as the manifest has them. */
function peerValues(given: readonly string[]): string[] {
  const [ip, port, ...rest] = given;
  if (ip === undefined || port === undefined || ip.includes(':') || !/^\d+$/.test(port)) return [...given];
  return [`${ip}:${port}`, ...rest];
}

/** `micro-cdn p2p-peer INDEX_IP INDEX_PORT OWN_PORT FOLDER`, with the seed's commands on standard input. */
export async function runP2pPeer(
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
): Promise<number> {
  const node = nodeFlags(manifest);
  const flags = [...node.flags, ...commonFlags];
  const { help, positional } = parseLine(argv, flags);
  if (help) {
    process.stdout.write(`${nodeHelp(manifest, node.positional, flags)}\n`);
    return 0;
  }
  const config = node.config(peerValues(positional));
  if (config.logFile === '') config.logFile = LOG_FILE;
  return runForeground(manifest, {
    ...common,
    config,
    interact: (running) => {
      const terminal = new PeerTerminal(running);
      terminal.start();
      return (print) => terminal.aside(print);
    },
  });
}

interface ListedFile {
  name: string;
  size: number;
  holders: number;
}

const commands: Record<string, Command> = {
  register: {
    usage: 'register',
    help: 'Announce the files of the folder to the index.',
    async run(node, _argument, show) {
      const { files } = (await node.operate('register')) as { files: number };
      show(`Registered with ${files} ${files === 1 ? 'file' : 'files'}.`);
    },
  },
  unregister: {
    usage: 'unregister',
    help: 'Take the files out of the index.',
    async run(node, _argument, show) {
      await node.operate('unregister');
      show('Unregistered.');
    },
  },
  get_files_list: {
    usage: 'get_files_list',
    help: 'List the files of other peers.',
    async run(node, _argument, show) {
      const files = (await node.operate('list')) as ListedFile[];
      show(`\nFiles hosted: \n \n${files.map(({ name }) => name).join('\n')}`);
    },
  },
  download: {
    usage: 'download NAME',
    help: 'Download a file, from several peers at once where that is possible.',
    async run(node, name, show) {
      if (name === '') return show('Name the file: download NAME');
      const started = performance.now();
      const result = (await node.operate('download', { name }, progressLine(name))) as {
        path: string;
        size: number;
        verified: string;
        wasted: number;
      };
      const seconds = (performance.now() - started) / 1000;
      const rate = result.size / 2 ** 20 / Math.max(seconds, 0.001);
      show(
        `${result.path}: ${result.size} bytes in ${seconds.toFixed(2)} s (${rate.toFixed(1)} MiB/s), verified: ${result.verified}${result.wasted > 0 ? `, ${result.wasted} bytes came twice` : ''}`,
      );
    },
  },
  delete: {
    usage: 'delete NAME',
    help: 'Delete one of your own files from the folder and from the index.',
    async run(node, name, show) {
      if (name === '') return show('Name the file: delete NAME');
      await node.operate('delete', { name });
      show(`${name} is deleted.`);
    },
  },
  help: {
    usage: 'help',
    help: 'Show this.',
    async run(_node, _argument, show) {
      const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
      show(
        Object.values(commands)
          .map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`)
          .join('\n'),
      );
    },
  },
  quit: {
    usage: 'quit',
    help: 'End the peer.',
    async run(node) {
      node.stop();
    },
  },
};

class PeerTerminal {
  readonly #node: ForegroundNode;
  readonly #atTerminal = process.stdin.isTTY === true;
  readonly #lines: Interface;
  /** One command at a time: what a script says next may need what it said before. */
  #turn: Promise<void> = Promise.resolve();
  /** A command is running: there is no prompt. */
  #busy = false;

  constructor(node: ForegroundNode) {
    this.#node = node;
    this.#lines = createInterface({
      input: process.stdin,
      ...(this.#atTerminal ? { output: process.stdout, prompt: 'peer> ' } : {}),
      completer: (line: string, done: (error: null, found: [string[], string]) => void) => {
        completePeerLine(line, Object.keys(commands), (of) => this.#names(of)).then(
          (completed) => done(null, completed),
          () => done(null, [[], line]),
        );
      },
    });
  }

  start(): void {
    if (this.#atTerminal) {
      process.stdout.write('Type help for the commands; Tab completes.\n');
      // Otherwise readline takes Ctrl-C for itself and the node could not be drained.
      this.#lines.on('SIGINT', () => process.emit('SIGINT'));
      this.#lines.on('close', () => {
        process.stdout.write('\n');
        this.#node.stop();
      });
    }
    this.#lines.on('line', (line) => {
      this.#turn = this.#turn.then(() => this.#run(line.trim()));
    });
    this.#prompt();
  }

  /** Prints above the line that is being typed. */
  aside(print: () => void): void {
    if (this.#atTerminal) process.stdout.write(CLEAR_LINE);
    print();
    if (!this.#busy) this.#prompt();
  }

  async #run(line: string): Promise<void> {
    this.#busy = true;
    const cut = line.search(/\s/);
    const word = cut < 0 ? line : line.slice(0, cut);
    const argument = cut < 0 ? '' : line.slice(cut).trim();
    const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
    if (command) {
      try {
        await command.run(this.#node, argument, show);
      } catch (error) {
        const { message, hint } = error as { message: string; hint?: string };
        show(`${message}${hint ? ` ${hint}` : ''}`);
      }
    } else if (word !== '') {
      const guess = nearest(word, Object.keys(commands));
      show(`There is no command "${word}".${guess ? ` Did you mean ${guess}?` : ''} Type help.`);
    }
    this.#busy = false;
    this.#prompt();
  }

  #prompt(): void {
    if (this.#atTerminal) this.#lines.prompt(true);
  }

  async #names(of: 'others' | 'own'): Promise<string[]> {
    const files = (await this.#node.operate(of === 'own' ? 'shared' : 'list')) as { name: string }[];
    return files.map(({ name }) => name);
  }
}

function show(text: string): void {
  writeLine(process.stdout, text);
}

/** One line that is written over itself at a terminal; nothing elsewhere. */
function progressLine(name: string): ((value: Record<string, unknown>) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  return ({ bytes, size, phase }) => {
    const done = typeof size === 'number' && size > 0 ? `${Math.floor((Number(bytes) / size) * 100)} %` : '';
    process.stderr.write(
      `\r${printable(name)}: ${String(phase)} ${done}\u001b[K${size === bytes ? '\n' : ''}`,
    );
  };
}
