/** Runs one node program: builds its context, obeys the control port, reports. */
import { StudioError, toErrorShape } from '../contract/errors';
import type { FromNode, ToNode } from '../contract/node-port';
import { systemClock } from './clock';
import type { CreateNode, NodeProgram } from './context';
import { createFaultyContext } from './faulty-context';
import { systemFiles } from './files';
import { FlowMeter } from './flow-meter';
import { systemHashing } from './hashing';
import { systemNetwork } from './network';
import { NodeTelemetrySender } from './node-telemetry';
import { seededRandom } from './random';

const PROGRESS_INTERVAL_MS = 100;

export type StartMessage = Extract<ToNode, { type: 'start' }>;

/**
 * One hosted node. `post` carries its messages to the owner: over IPC from a forked process, by a plain call
 * in a foreground program.
 */
export class NodeHost {
  readonly #post: (message: FromNode) => void;
  readonly #sender: NodeTelemetrySender;
  readonly #setFaults: (faults: StartMessage['faults']) => void;
  readonly #program: NodeProgram;
  readonly #calls = new Map<number, AbortController>();

  constructor(createNode: CreateNode<never>, start: StartMessage, post: (message: FromNode) => void) {
    this.#post = post;
    const meter = new FlowMeter();
    this.#sender = new NodeTelemetrySender(post, meter, start.watch);
    const { context, setFaults } = createFaultyContext({
      net: systemNetwork(meter),
      clock: systemClock,
      files: systemFiles(this.#sender.log),
      hashing: systemHashing(),
      log: this.#sender.log,
      telemetry: this.#sender.telemetry,
      random: seededRandom(start.seed),
    });
    this.#setFaults = setFaults;
    setFaults(start.faults);
    this.#program = createNode(start.config as never, context);
  }

  /** Posts 'ready' or 'fatal'. */
  async start(): Promise<void> {
    try {
      const ports = await this.#program.start();
      this.#post({ type: 'ready', ports });
    } catch (error) {
      this.fatal(error);
    }
  }

  /** Takes every message but the first, 'start'. */
  async receive(message: ToNode): Promise<void> {
    switch (message.type) {
      case 'start':
        throw new StudioError('INTERNAL', 'A node is started once.');
      case 'faults':
        this.#setFaults(message.faults);
        return this.#post({ type: 'faults-set', revision: message.revision });
      case 'watch':
        return this.#sender.watch(message.watch);
      case 'operate':
        return this.#operate(message);
      case 'cancel':
        return this.#calls.get(message.call)?.abort();
      case 'drain':
        await this.#program.drain();
        this.#sender.flush();
        return this.#post({ type: 'drained' });
      case 'stop':
        for (const call of this.#calls.values()) call.abort();
        this.#setFaults([]); // a node that hangs could not stop either
        await this.#program.stop();
        this.#sender.close();
        return this.#post({ type: 'stopped' });
    }
  }

  /** Says why the node cannot go on; the owner ends the process. */
  fatal(error: unknown): void {
    this.#sender.close();
    this.#post({ type: 'fatal', error: toErrorShape(error) });
  }

  async #operate({ call, operation, input }: Extract<ToNode, { type: 'operate' }>): Promise<void> {
    const run = this.#program.operations?.[operation];
    const controller = new AbortController();
    this.#calls.set(call, controller);
    const progress = new ProgressPacer((value) => this.#post({ type: 'progress', call, value }));
    try {
      if (!run) throw new StudioError('UNKNOWN_OPERATION', `This node has no operation "${operation}".`);
      const scope = {
        signal: controller.signal,
        progress: (value: Record<string, unknown>) => progress.push(value),
      };
      const value = await run(input as never, scope);
      progress.flush();
      this.#post({ type: 'result', call, value });
    } catch (error) {
      progress.flush();
      this.#post({ type: 'failed', call, error: toErrorShape(error) });
    } finally {
      this.#calls.delete(call);
    }
  }
}

/** Passes on the first value at once, then the newest one at most every 100 ms; `flush` sends the last. */
class ProgressPacer {
  #latest: Record<string, unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly send: (value: Record<string, unknown>) => void) {}

  push(value: Record<string, unknown>): void {
    this.#latest = value;
    if (this.#timer !== undefined) return;
    this.#sendLatest();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#latest) this.push(this.#latest);
    }, PROGRESS_INTERVAL_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sendLatest();
  }

  #sendLatest(): void {
    if (this.#latest) this.send(this.#latest);
    this.#latest = undefined;
  }
}
