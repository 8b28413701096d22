/** Node processes that exist only in the test, which decides what they say and when they end. */
import type { FromNode, ToNode } from '../../contract/node-port';
import type { NodeChannelHandlers, NodeExit, NodeLauncher } from '../supervisor/launcher';

export class ScriptedProcess {
  readonly received: ToNode[] = [];
  killed = false;

  constructor(
    readonly label: string,
    readonly pid: number,
    private readonly handlers: NodeChannelHandlers,
    private readonly onReceive: (message: ToNode, process: ScriptedProcess) => void,
  ) {}

  spawned(): void {
    this.handlers.spawned();
  }

  say(message: FromNode): void {
    this.handlers.message(message);
  }

  output(line: string): void {
    this.handlers.output(line);
  }

  exit(exit: Partial<NodeExit> = {}): void {
    this.handlers.exited({ code: 0, signal: null, ...exit });
  }

  /** @internal */
  receive(message: ToNode): void {
    this.received.push(message);
    this.onReceive(message, this);
  }

  last<T extends ToNode['type']>(type: T): Extract<ToNode, { type: T }> | undefined {
    return this.received.findLast((message) => message.type === type) as
      | Extract<ToNode, { type: T }>
      | undefined;
  }
}

/** How a process behaves; by default as a good node does. */
export type Script = (message: ToNode, process: ScriptedProcess) => void;

export const obedient: Script = (message, process) => {
  if (message.type === 'start') process.say({ type: 'ready', ports: portsOf(message.config) });
  if (message.type === 'faults') process.say({ type: 'faults-set', revision: message.revision });
  if (message.type === 'drain') process.say({ type: 'drained' });
  if (message.type === 'stop') {
    process.say({ type: 'stopped' });
    process.exit();
  }
};

/** Never answers anything. */
export const deaf: Script = () => undefined;

function portsOf(config: Record<string, unknown>): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [key, value] of Object.entries(config)) {
    const name = /^(\w+)Port$/.exec(key)?.[1];
    if (name && typeof value === 'number') ports[name] = value;
  }
  return ports;
}

export class ScriptedLauncher implements NodeLauncher {
  readonly processes: ScriptedProcess[] = [];
  script: Script = obedient;
  /** False: the test says when a process exists. */
  autoSpawn = true;
  /** False: SIGKILL has no effect, as on a process that is stuck in the kernel. */
  mortal = true;

  launch(label: string, handlers: NodeChannelHandlers): ReturnType<NodeLauncher['launch']> {
    const child = new ScriptedProcess(label, 1000 + this.processes.length, handlers, (message, process) =>
      this.script(message, process),
    );
    this.processes.push(child);
    if (this.autoSpawn) queueMicrotask(() => child.spawned());
    return {
      pid: child.pid,
      post: (message) => child.receive(message),
      kill: () => {
        child.killed = true;
        if (this.mortal) child.exit({ code: null, signal: 'SIGKILL' });
      },
    };
  }

  /** The newest process of this name. */
  of(label: string): ScriptedProcess {
    const found = this.processes.findLast((process) => process.label === label);
    if (!found) throw new Error(`${label} was never started.`);
    return found;
  }
}
