/** Node processes as Electron utility processes. */
import { createInterface } from 'node:readline';
import { utilityProcess } from 'electron';
import type { FromNode } from '../contract/node-port';
import { nodeEnvironment } from '../core/supervisor/environment';
import type { NodeLauncher } from '../core/supervisor/launcher';

/**
 * Forks `entry` for each node; to be used after the app is ready. Chromium ends utility processes together
 * with the browser process, also when that is killed.
 */
export function utilityProcessLauncher(entry: string): NodeLauncher {
  return {
    launch(label, handlers) {
      const child = utilityProcess.fork(entry, [label], {
        serviceName: label,
        env: nodeEnvironment(process.env),
        execArgv: [],
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let spawned = false;
      let killed = false;
      let exited = false;
      child.once('spawn', () => {
        spawned = true;
        // A kill between fork and spawn would be lost.
        if (killed) child.kill();
        else handlers.spawned();
      });
      child.on('message', (message) => {
        if (!exited) handlers.message(message as FromNode);
      });
      // V8 gives up, mostly for want of memory; the exit follows. An 'error' that nobody hears ends the studio.
      child.on('error', (type, location) => handlers.output(`${type} at ${location}`));
      // Double events have been seen, and a crash reported as code 0: the supervisor records what it intended.
      child.on('exit', (code) => {
        if (exited) return;
        exited = true;
        handlers.exited({ code: code ?? null, signal: null });
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) createInterface({ input: stream }).on('line', (line) => handlers.output(line));
      }
      return {
        get pid() {
          return child.pid;
        },
        post(message) {
          if (spawned && !exited) child.postMessage(message);
        },
        kill() {
          killed = true;
          if (spawned && !exited) killHard(child.pid) || child.kill();
        },
      };
    },
  };
}

/** SIGKILL where there are signals: a node that hangs does not obey the gentler one that `kill()` sends. */
function killHard(pid: number | undefined): boolean {
  if (pid === undefined || process.platform === 'win32') return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
