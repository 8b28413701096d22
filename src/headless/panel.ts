/** `micro-cdn panel`: the core with the panel in the browser. */
import { version } from '../../package.json';
import { StudioError, toErrorShape } from '../contract/errors';
import { type Core, createCore } from '../core/core';
import { defaultDataFolder } from '../core/data-folder';
import { isLoopback } from './access';
import { type BuiltPrograms, builtPrograms } from './built-programs';
import { childProcessLauncher } from './launcher';
import { openBrowser } from './open-browser';
import { type PanelServer, servePanelOver } from './server';

/** After a second signal, even a disk that does not answer cannot hold the program for longer. */
const FORCE_MS = 3000;

export interface PanelOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Further names by which browsers may reach it: `NAME` or `NAME:PORT`. */
  allow?: readonly string[];
  /** Open the browser. */
  open: boolean;
  /** Workspace file; made if it is missing. Default: the one that was open last. */
  workspace?: string | undefined;
  /** Folder of settings and workspaces. */
  dataFolder?: string;
  /** Where the built programs are; default: beside this one. */
  programs?: BuiltPrograms;
}

/** Runs until a signal ends it; resolves to the exit code. The first line on standard output is the URL. */
export async function runPanel(options: PanelOptions): Promise<number> {
  try {
    return await runUntilSignal(options);
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    process.stderr.write(`micro-cdn: ${[error.message, error.hint].filter(Boolean).join(' ')}\n`);
    return 1;
  }
}

async function runUntilSignal(options: PanelOptions): Promise<number> {
  process.on('unhandledRejection', tellAndGoOn);
  const dataFolder = options.dataFolder ?? defaultDataFolder();
  const programs = options.programs ?? builtPrograms();
  const core = await createCore({
    dataFolder,
    resourcesFolder: programs.resourcesFolder,
    launcher: childProcessLauncher(programs.nodeEntry),
    shell: { kind: 'headless', version, platform: process.platform, paths: false, dataFolder },
    workspacePath: options.workspace,
  });
  let server: PanelServer;
  try {
    const { host, port, allow } = options;
    server = await servePanelOver({ core, rendererFolder: programs.rendererFolder, host, port, allow });
  } catch (error) {
    await core.close();
    throw error;
  }
  process.stdout.write(`${server.url}\n`);
  if (!isLoopback(options.host)) process.stderr.write(exposureWarning(options.host));
  const ended = endedBySignal(core, server);
  // Not waited for: some openers run for as long as the browser.
  if (options.open) void openOrTell(server.url);
  return ended;
}

/** A net under mistakes of ours: one piece of work that failed must not end a network of nodes. */
function tellAndGoOn(reason: unknown): void {
  const what = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  process.stderr.write(`micro-cdn: this is a bug, and the panel goes on: ${what}\n`);
}

async function openOrTell(url: string): Promise<void> {
  if (await openBrowser(url)) return;
  process.stderr.write('No browser could be opened; open the address above yourself.\n');
}

/** Closes both at the first signal, and at once at a second one; resolves to the exit code. */
function endedBySignal(core: Core, server: PanelServer): Promise<number> {
  return new Promise((resolve) => {
    let closing: Promise<void> | undefined;
    let code = 0;
    const end = (signal: NodeJS.Signals): void => {
      if (!closing) {
        process.stderr.write('Stopping the nodes. Once more to force.\n');
        closing = server.close().then(() => core.close());
        closing.then(
          () => resolve(code),
          (error: unknown) => {
            process.stderr.write(`micro-cdn: ${toErrorShape(error).message}\n`);
            resolve(code || 1);
          },
        );
      } else {
        code = signal === 'SIGINT' ? 130 : 143;
        void core.closeNow();
        setTimeout(() => resolve(code), FORCE_MS);
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  });
}

function exposureWarning(host: string): string {
  return [
    `Warning: the panel listens on ${host}, so other machines can reach it.`,
    'Whoever has the address with its token can start programs, and read and write files, as you. It travels',
    'unencrypted: use it only in a network that you trust, or through an SSH tunnel.',
    '',
  ].join('\n');
}
