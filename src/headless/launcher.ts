/** Node processes as children of a plain Node.js process. */
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { FromNode } from '../contract/node-port';
import { nodeEnvironment } from '../core/supervisor/environment';
import type { NodeLauncher } from '../core/supervisor/launcher';

/**
 * Forks `entry` for each node. The child ends itself when the IPC channel closes, which the operating system
 * does even when this process is killed: that is what leaves no orphan.
 */
export function childProcessLauncher(entry: string): NodeLauncher {
  return {
    launch(label, handlers) {
      const child = fork(entry, [label], {
        env: nodeEnvironment(process.env),
        // Otherwise the flags of this process (a debugger's port, a loader) would be inherited.
        execArgv: [],
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      let open = true;
      const exited = (exit: Parameters<typeof handlers.exited>[0]): void => {
        open = false;
        handlers.exited(exit);
      };
      child.on('spawn', () => handlers.spawned());
      child.on('message', (message) => {
        if (open) handlers.message(message as FromNode);
      });
      child.on('exit', (code, signal) => exited({ code, signal }));
      // Raised when the process could not be started, but also by a late `send` or `kill`.
      child.on('error', (error) => {
        if (child.pid === undefined) exited({ code: null, signal: null, error });
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) createInterface({ input: stream }).on('line', (line) => handlers.output(line));
      }
      return {
        get pid() {
          return child.pid;
        },
        post(message) {
          // The callback swallows the error of a channel that closed a moment ago; `exit` tells.
          if (child.connected) child.send(message, () => undefined);
        },
        kill() {
          child.kill('SIGKILL');
        },
      };
    },
  };
}
