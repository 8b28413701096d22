/**
 * The port through which the core starts node processes. Electron implements it with `utilityProcess.fork`,
 * the headless shell and the tests with `child_process.fork`; the core knows neither.
 */
import type { FromNode, ToNode } from '../../contract/node-port';

/** How a process ended. A launcher may report what it cannot know as null. */
export interface NodeExit {
  code: number | null;
  signal: string | null;
  /** Set when the process could not be started at all. */
  error?: Error;
}

/** Given at launch, so that nothing is missed; none is called before `launch` has returned. */
export interface NodeChannelHandlers {
  /** The process exists and can be posted to and killed. */
  spawned(): void;
  message(message: FromNode): void;
  /** A line that the process wrote to its standard output or error. */
  output(line: string): void;
  /** Called at least once at the end; the receiver ignores repetitions. No message follows it. */
  exited(exit: NodeExit): void;
}

export interface NodeChannel {
  /** Undefined until `spawned`. */
  readonly pid: number | undefined;
  /** Only between `spawned` and `exited`; what cannot be delivered is dropped. */
  post(message: ToNode): void;
  /** Ends the process at once, as SIGKILL does. Only between `spawned` and `exited`. */
  kill(): void;
}

export interface NodeLauncher {
  /** Begins a process that runs the node entry and dies with this one. `label` is for process lists. */
  launch(label: string, handlers: NodeChannelHandlers): NodeChannel;
}
