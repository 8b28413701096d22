/**
 * The program that is forked for each node, by Electron's `utilityProcess` or by `child_process.fork`. It waits
 * for 'start', hosts the node, and dies with its parent: no orphan is ever left.
 */

import { toErrorShape } from '../contract/errors';
import type { FromNode, ToNode } from '../contract/node-port';
import { NodeHost } from './host';
import { loadProgram } from './programs';

/** The parent is looked for this often, in case its end was not signalled. */
const PARENT_CHECK_MS = 1000;
/** How long a message to the parent may take to leave before the process ends all the same. */
const LAST_WORDS_MS = 500;

interface ParentChannel {
  post(message: FromNode, sent?: () => void): void;
  listen(receive: (message: ToNode) => void): void;
}

function parentChannel(): ParentChannel {
  // Electron's utility process; absent in plain Node, and not in Node's types.
  const { parentPort } = process as unknown as {
    parentPort?: { postMessage(m: unknown): void; on(e: 'message', f: (e: { data: ToNode }) => void): void };
  };
  if (parentPort) {
    return {
      post: (message, sent) => {
        parentPort.postMessage(message);
        if (sent) setTimeout(sent, LAST_WORDS_MS / 2);
      },
      listen: (receive) => parentPort.on('message', (event) => receive(event.data)),
    };
  }
  if (!process.send) {
    process.stderr.write('This program is started by Micro-CDN Studio. Use the micro-cdn command instead.\n');
    process.exit(2);
  }
  process.on('disconnect', () => process.exit(0));
  return {
    post: (message, sent) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => sent?.());
      else sent?.();
    },
    listen: (receive) => process.on('message', (message) => receive(message as ToNode)),
  };
}

function main(): void {
  const channel = parentChannel();
  let host: NodeHost | undefined;
  /** What comes while the program is still being loaded. */
  const early: ToNode[] = [];

  const post = (message: FromNode): void => {
    if (message.type === 'fatal') return endWith(message, 1);
    if (message.type === 'stopped') return endWith(message, 0);
    channel.post(message);
  };
  const endWith = (message: FromNode, code: number): void => {
    channel.post(message, () => process.exit(code));
    setTimeout(() => process.exit(code), LAST_WORDS_MS);
  };
  const fatal = (error: unknown): void => {
    if (host) host.fatal(error);
    else post({ type: 'fatal', error: toErrorShape(error) });
  };

  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  // Ctrl-C in a terminal reaches the whole group; the parent decides what it means for its nodes.
  process.on('SIGINT', () => {});

  channel.listen((message) => {
    if (message.type !== 'start') {
      if (host) void host.receive(message).catch(fatal);
      else early.push(message);
      return;
    }
    loadProgram(message.kind)
      .then((createNode) => {
        host = new NodeHost(createNode, message, post);
        for (const waiting of early.splice(0)) void host.receive(waiting).catch(fatal);
        return host.start();
      })
      .catch(fatal);
  });

  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, PARENT_CHECK_MS).unref();
}

main();
