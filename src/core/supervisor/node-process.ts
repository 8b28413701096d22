/**
 * The one owner of one node process: it alone spawns, watches, times out, kills and reaps it. A process is
 * never reused; a restart makes a new NodeProcess.
 */
import { type ErrorShape, fromErrorShape, StudioError } from '../../contract/errors';
import type { NodePhase } from '../../contract/events';
import type { FaultSpec } from '../../contract/fault';
import type { FromNode, NodeTelemetry, ToNode, Watch } from '../../contract/node-port';
import type { NodeChannel, NodeExit, NodeLauncher } from './launcher';

/** After SIGKILL, or after its last words, a process is given so long to be gone. */
const EXIT_DEADLINE_MS = 2000;
/** An operation that was cancelled may take so long to say so. */
const CANCEL_DEADLINE_MS = 2000;
/** How long a node may take to confirm that it was healed, unless its deadlines say otherwise. */
const OBEY_DEADLINE_MS = 4000;
/** Lines of output kept to explain a crash. */
const LAST_LINES = 20;

export interface Deadlines {
  /** Milliseconds until a start is given up, a stop is forced, and a drain is called late. */
  startMs: number;
  stopMs: number;
  drainMs: number;
  /** Milliseconds until a node that is being healed is called disobedient. */
  obeyMs?: number | undefined;
}

export interface NodeProcessState {
  phase: NodePhase;
  /** Unix milliseconds. */
  since: number;
  reason?: ErrorShape;
  waitingFor?: string;
  /** Unix milliseconds. */
  deadline?: number;
  pid?: number;
  ports: Record<string, number>;
}

export interface NodeProcessOptions {
  launcher: NodeLauncher;
  /** The node's name, in messages to the person. */
  name: string;
  start: Omit<Extract<ToNode, { type: 'start' }>, 'type'>;
  deadlines: Deadlines;
  onState(state: NodeProcessState): void;
  onTelemetry(telemetry: NodeTelemetry): void;
  onOutput(line: string): void;
  /** The running node has not confirmed in time that faults were taken from it. */
  onDisobedience(): void;
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
  progress?: ((value: Record<string, unknown>) => void) | undefined;
}

/**
 * Why the process ended or is about to. An exit code cannot tell a stop from a crash (crashes have been seen
 * to report 0), so the intent is recorded before anything is done.
 */
type Intent = 'none' | 'stop' | 'force' | 'kill' | 'disobedience' | 'start-timeout' | 'stop-timeout';

export class NodeProcess {
  #state: NodeProcessState = { phase: 'starting', since: Date.now(), ports: {} };
  #intent: Intent = 'none';
  #drained = false;
  #fatal: ErrorShape | undefined;
  #channel: NodeChannel | undefined;
  #spawned = false;
  #killWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #nextCall = 1;
  /** What it is started with: what is set before its process exists takes part. */
  #start: NodeProcessOptions['start'];
  #faultsRevision = 0;
  /** Runs while the node has not confirmed its newest faults. */
  #obedience: NodeJS.Timeout | undefined;
  readonly #calls = new Map<number, PendingCall>();
  readonly #lastLines: string[] = [];
  #settle!: () => void;
  #end!: () => void;
  /** Resolves when the process runs, or when it has ended before it did. Never rejects: see `state`. */
  readonly settled = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });
  /** Resolves when the process is gone. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  constructor(private readonly options: NodeProcessOptions) {
    this.#start = options.start;
  }

  get state(): NodeProcessState {
    return this.#state;
  }

  get alive(): boolean {
    return this.#state.phase !== 'stopped' && this.#state.phase !== 'crashed';
  }

  /** To be called once. */
  launch(): void {
    const { launcher, name, deadlines } = this.options;
    this.#enter('starting', { waitingFor: 'its ports to open', deadlineMs: deadlines.startMs });
    this.#after(deadlines.startMs, () => this.#endBy('start-timeout'));
    this.#channel = launcher.launch(name, {
      spawned: () => this.#onSpawned(),
      message: (message) => this.#onMessage(message),
      output: (line) => this.#onOutput(line),
      exited: (exit) => this.#onExited(exit),
    });
  }

  /** No new clients; stops when the present ones are finished. A node that is not running is stopped. */
  drain(): void {
    if (this.#state.phase !== 'running') return this.stop();
    const { drainMs } = this.options.deadlines;
    this.#enter('draining', { waitingFor: 'its present clients to finish', deadlineMs: drainMs });
    this.#post({ type: 'drain' });
    // Forcing would cut off the very clients that a drain protects, so this is left to the person.
    this.#after(drainMs, () => {
      this.#update({
        reason: {
          code: 'LATE',
          message: `${this.options.name} still serves clients after ${seconds(drainMs)}.`,
          hint: 'Wait for them, or use Force stop, which cuts them off.',
        },
      });
    });
  }

  stop(): void {
    if (!this.alive || this.#intent !== 'none') return;
    this.#intent = 'stop';
    const { stopMs } = this.options.deadlines;
    this.#enter('stopping', { waitingFor: 'its process to end', deadlineMs: stopMs });
    this.#after(stopMs, () => this.#endBy('stop-timeout'));
    this.#post({ type: 'stop' });
  }

  /** SIGKILL. While the node is being stopped or drained this is the force, else it is a crash on purpose. */
  kill(): void {
    if (!this.alive) return;
    this.#endBy(this.#state.phase === 'stopping' || this.#state.phase === 'draining' ? 'force' : 'kill');
  }

  /** SIGKILL to a node that did not obey: the last way to heal it. */
  killDisobedient(): void {
    if (this.alive) this.#endBy('disobedience');
  }

  /** Replaces the faults. A running node that is being healed must confirm it in time: see `onDisobedience`. */
  setFaults(faults: FaultSpec[], { heals }: { heals: boolean }): void {
    this.#faultsRevision++;
    if (heals && this.#state.phase === 'running') {
      this.#obedience ??= setTimeout(() => {
        this.#obedience = undefined;
        if (this.#state.phase === 'running') this.options.onDisobedience();
      }, this.options.deadlines.obeyMs ?? OBEY_DEADLINE_MS);
    }
    this.#start = { ...this.#start, faults };
    this.#post({ type: 'faults', faults, revision: this.#faultsRevision });
  }

  setWatch(watch: Watch): void {
    this.#start = { ...this.#start, watch };
    this.#post({ type: 'watch', watch });
  }

  /** Asks the node something. Rejects with the node's error, and with 'NODE_ENDED' when it ends first. */
  operate(
    operation: string,
    input: unknown,
    options: { signal?: AbortSignal; progress?: (value: Record<string, unknown>) => void } = {},
  ): Promise<unknown> {
    const { phase } = this.#state;
    if (phase !== 'running' && phase !== 'draining')
      return Promise.reject(
        new StudioError('NODE_NOT_RUNNING', `${this.options.name} is not running.`, 'Start it first.'),
      );
    const call = this.#nextCall++;
    const { signal } = options;
    let deadline: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      this.#post({ type: 'cancel', call });
      // A node that hangs does not even answer that.
      deadline = setTimeout(() => this.#takeCall(call)?.reject(signal?.reason), CANCEL_DEADLINE_MS);
    };
    return new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject, progress: options.progress });
      this.#post({ type: 'operate', call, operation, input });
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    }).finally(() => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', cancel);
    });
  }

  #onSpawned(): void {
    this.#spawned = true;
    // It came after it was given up.
    if (!this.alive) return this.#channel?.kill();
    const pid = this.#channel?.pid;
    if (pid !== undefined) this.#update({ pid });
    this.#proceed();
  }

  /** Does what had to wait for the process to exist. */
  #proceed(): void {
    if (!this.#spawned || !this.#channel || !this.alive) return;
    if (this.#killWanted) return this.#channel.kill();
    if (this.#intent === 'none' && this.#state.phase === 'starting')
      this.#channel.post({ type: 'start', ...this.#start });
    else if (this.#intent === 'stop') this.#channel.kill();
  }

  #onMessage(message: FromNode): void {
    if (!this.alive) return;
    switch (message.type) {
      case 'ready':
        if (this.#state.phase === 'starting' && this.#intent === 'none') {
          this.#enter('running', { ports: message.ports });
          this.#settle();
        }
        return;
      case 'drained':
        if (this.#state.phase === 'draining') {
          this.#drained = true;
          this.stop();
        }
        return;
      case 'stopped':
        return;
      case 'fatal':
        this.#fatal = message.error;
        this.#after(EXIT_DEADLINE_MS, () => this.#forceExit());
        return;
      case 'faults-set':
        if (message.revision !== this.#faultsRevision) return;
        clearTimeout(this.#obedience);
        this.#obedience = undefined;
        return;
      case 'telemetry':
        return this.options.onTelemetry(message.telemetry);
      case 'progress':
        return this.#calls.get(message.call)?.progress?.(message.value);
      case 'result':
        return this.#takeCall(message.call)?.resolve(message.value);
      case 'failed':
        return this.#takeCall(message.call)?.reject(fromErrorShape(message.error));
    }
  }

  #onOutput(line: string): void {
    this.#lastLines.push(line.slice(0, 500));
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    this.options.onOutput(line);
  }

  #endBy(intent: Intent): void {
    this.#intent = intent;
    this.#forceExit();
  }

  #forceExit(): void {
    this.#killWanted = true;
    this.#after(EXIT_DEADLINE_MS, () => this.#onExited({ code: null, signal: null }, true));
    this.#proceed();
  }

  /** Launchers report an exit more than once; only the first counts. */
  #onExited(exit: NodeExit, presumed = false): void {
    if (!this.alive) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#obedience);
    const stopped = this.#intent === 'stop' || this.#intent === 'force' || this.#intent === 'stop-timeout';
    const reason = presumed ? this.#unkillable() : this.#reasonOf(exit);
    this.#state = {
      phase: stopped && !presumed ? 'stopped' : 'crashed',
      since: Date.now(),
      ports: {},
      ...(reason ? { reason } : {}),
    };
    for (const call of this.#calls.keys())
      this.#takeCall(call)?.reject(new StudioError('NODE_ENDED', `${this.options.name} ended meanwhile.`));
    this.options.onState(this.#state);
    this.#settle();
    this.#end();
  }

  #reasonOf(exit: NodeExit): ErrorShape | undefined {
    const { name, deadlines } = this.options;
    switch (this.#intent) {
      case 'stop':
        return this.#drained
          ? { code: 'DRAINED', message: `${name} finished its clients, then stopped.` }
          : undefined;
      case 'force':
        return { code: 'FORCED', message: `${name} was stopped by force.` };
      case 'stop-timeout':
        return {
          code: 'FORCED',
          message: `${name} did not stop within ${seconds(deadlines.stopMs)}, so its process was killed.`,
        };
      case 'kill':
        return { code: 'KILLED', message: `${name} was killed by you.` };
      case 'disobedience':
        return {
          code: 'DISOBEDIENT',
          message: `${name} did not obey the heal within ${seconds(deadlines.obeyMs ?? OBEY_DEADLINE_MS)}, so its process was killed.`,
        };
      case 'start-timeout':
        return {
          code: 'START_TIMEOUT',
          message: `${name} was not ready within ${seconds(deadlines.startMs)}, so its process was killed.`,
          hint: 'Start it again. On a busy machine, raise the start deadline in the settings.',
        };
      case 'none':
        return this.#fatal ?? this.#crash(exit);
    }
  }

  #crash(exit: NodeExit): ErrorShape {
    const { name } = this.options;
    if (exit.error)
      return {
        code: 'SPAWN_FAILED',
        message: `The process of ${name} could not be started: ${exit.error.message}`,
        hint: 'Install or build Micro-CDN Studio again, and see whether the machine has memory left.',
      };
    // A signal may come from a fault, from the system that needs memory, or from anybody.
    const how = exit.signal
      ? `was ended by the signal ${exit.signal}`
      : `ended by itself, with exit code ${exit.code ?? 'unknown'}`;
    const words = lastWords(this.#lastLines);
    const said = words ? ` It said: ${words}` : '';
    return {
      code: 'CRASHED',
      message: `${name} ${how}.${said}`,
      hint: 'Its log may say more. Start it again with Restart.',
    };
  }

  #unkillable(): ErrorShape {
    const { pid } = this.#state;
    return {
      code: 'UNKILLABLE',
      message: `${this.options.name} was killed, but the system does not report the end of its process${pid ? ` (pid ${pid})` : ''}.`,
      hint: 'Look for it in the list of processes.',
    };
  }

  #takeCall(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #post(message: ToNode): void {
    if (this.#spawned && this.alive) this.#channel?.post(message);
  }

  #enter(
    phase: NodePhase,
    change: { waitingFor?: string; deadlineMs?: number; ports?: Record<string, number> } = {},
  ): void {
    clearTimeout(this.#timer);
    const { pid, ports } = this.#state;
    const since = Date.now();
    this.#state = {
      phase,
      since,
      ports: change.ports ?? ports,
      ...(pid === undefined ? {} : { pid }),
      ...(change.waitingFor ? { waitingFor: change.waitingFor } : {}),
      ...(change.deadlineMs === undefined ? {} : { deadline: since + change.deadlineMs }),
    };
    this.options.onState(this.#state);
  }

  #update(change: Partial<NodeProcessState>): void {
    this.#state = { ...this.#state, ...change };
    this.options.onState(this.#state);
  }

  /** One deadline at a time: the newest replaces the former. */
  #after(ms: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }
}

/** Of a stack trace, the line that names the error; else the last line. */
function lastWords(lines: readonly string[]): string | undefined {
  return (
    lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line.trim() !== '')?.trim()
  );
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
