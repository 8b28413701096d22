/** Writes down what changes the network while it passes the core, from whichever panel it comes. */
import type { CallName } from '../../contract/calls';
import type { FaultSpec } from '../../contract/fault';
import type { Transfers } from '../transfers/transfers';
import type { OpenWorkspace } from '../workspace/open-workspace';
import { withMade } from './made';
import { maxSteps, type Recording, type Step } from './recording';
import { namedIn, stepKindOf } from './steps';

/** What a recording is made of. */
export interface Recorded {
  workspace: Pick<OpenWorkspace, 'document' | 'position'>;
  supervisor: { viewIfKnown(id: string): { phase: string } | undefined };
  transfers: Pick<Transfers, 'views'>;
  faults: { list(): FaultSpec[] };
}

export interface RecorderOptions {
  /** The number of steps is another one. */
  onChange(): void;
  /** There is room for no further step: none is noted. Told once. */
  onFull(): void;
}

/** One recording, from its beginning to its end. */
export class Recorder {
  /** Unix ms. */
  readonly startedAt = Date.now();
  readonly #began = performance.now();
  readonly #recorded: Recorded;
  readonly #options: RecorderOptions;
  readonly #nodes: Recording['nodes'];
  readonly #made = new Set<string>();
  /** Downloads for which a client may yet be added, and the nodes that there were before. */
  readonly #clientless = new Map<Step, ReadonlySet<string>>();
  /** Of each edit that was undone, whether it was made during this recording. */
  readonly #undone: boolean[] = [];
  #steps: Step[] = [];
  #isFull = false;
  #time = 0;
  #lastBegun = 0;
  /** The place in the history behind which this recording's own edits lie. */
  #ownEdits: number;

  constructor(recorded: Recorded, options: RecorderOptions) {
    const { workspace, supervisor } = recorded;
    this.#recorded = recorded;
    this.#options = options;
    this.#ownEdits = workspace.position;
    this.#nodes = workspace.document.nodes.map(({ id, kind, name }) => {
      const phase = supervisor.viewIfKnown(id)?.phase;
      return { id, kind, name, running: phase === 'running' || phase === 'starting' };
    });
  }

  get length(): number {
    return this.#steps.length;
  }

  /**
   * Carries a call out, and notes it if it belongs to the recording. One that fails, or falls short, does not: it has
   * changed nothing, and a replay, which ends where something fails, would never get beyond it.
   * @throws what `run` throws
   */
  async pass<Output>(call: CallName, input: unknown, run: () => Output | Promise<Output>): Promise<Output> {
    this.#noteClients();
    const kind = stepKindOf(call);
    if (!kind || this.#isFull || kind.isRecorded?.(input) === false || this.#isAboutEarlier(call, input))
      return run();
    const step: Step = { at: this.#now(), call, input };
    const nodes = new Set(this.#recorded.workspace.document.nodes.map(({ id }) => id));
    this.#steps.push(step);
    this.#lastBegun = step.at;
    this.#options.onChange();
    if (this.#steps.length === maxSteps) {
      this.#isFull = true;
      this.#options.onFull();
    }
    try {
      const { output, made } = await withMade(call, () => this.#recorded.faults.list(), run);
      step.took = this.#now(this.#steps.at(-1) === step ? 0 : this.#lastBegun + 1) - step.at;
      const ids = Object.values(made).flat();
      if (ids.length > 0) step.made = made;
      for (const id of ids) this.#made.add(id);
      if (made.transfer) this.#clientless.set(step, nodes);
      if (kind.shortfall?.(output) || this.#reachesBack(call)) this.#drop(step);
      return output;
    } catch (error) {
      this.#drop(step);
      throw error;
    }
  }

  /** What has been recorded so far. */
  recording(name: string): Recording {
    this.#noteClients();
    return {
      format: 'micro-cdn-recording',
      version: 1,
      name,
      recordedAt: new Date(this.startedAt).toISOString(),
      lengthMs: this.#now(),
      nodes: this.#nodes,
      steps: [...this.#steps],
    };
  }

  /** Downloads and trash from before the recording: nothing at its replay could stand for them. */
  #isAboutEarlier(call: CallName, input: unknown): boolean {
    return namedIn(call, input).some(
      ({ what, id }) => (what === 'transfer' || what === 'batch') && !this.#made.has(id),
    );
  }

  /** Whether it has undone, or done again, an edit from before the recording; told once, after it has. */
  #reachesBack(call: CallName): boolean {
    if (call !== 'workspace.undo' && call !== 'workspace.redo') return false;
    const { position } = this.#recorded.workspace;
    const isOwn = call === 'workspace.undo' ? position >= this.#ownEdits : (this.#undone.pop() ?? false);
    if (call === 'workspace.undo') this.#undone.push(isOwn);
    if (!isOwn) this.#ownEdits = position;
    return !isOwn;
  }

  /** A download without a client may have added one, which it only has once that runs. */
  #noteClients(): void {
    if (this.#clientless.size === 0) return;
    const clients = new Map(this.#recorded.transfers.views().map(({ id, client }) => [id, client]));
    for (const [step, nodes] of this.#clientless) {
      const client = clients.get(step.made?.transfer?.[0] ?? '');
      if (client === '') continue;
      this.#clientless.delete(step);
      if (client === undefined || nodes.has(client)) continue;
      step.made = { ...step.made, node: [client] };
      this.#made.add(client);
    }
  }

  #drop(step: Step): void {
    this.#steps = this.#steps.filter((other) => other !== step);
    this.#options.onChange();
  }

  /**
   * Milliseconds since the beginning, and no less than `least`: by these times the player sees what had ended before
   * a step began, and what went on beside it, so that an end and a beginning within one millisecond must not tie.
   */
  #now(least = 0): number {
    this.#time = Math.max(this.#time, least, Math.round(performance.now() - this.#began));
    return this.#time;
  }
}
