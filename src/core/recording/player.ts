/** Does again what was recorded: the same calls in the same order, with the same gaps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StudioError, toErrorShape } from '../../contract/errors';
import type { FaultSpec } from '../../contract/fault';
import { abortable } from '../../protocol/abortable';
import type { Supervisor } from '../supervisor/supervisor';
import type { Transfers } from '../transfers/transfers';
import type { OpenWorkspace } from '../workspace/open-workspace';
import { Cast } from './cast';
import { withMade } from './made';
import type { Recording, Step } from './recording';
import { type NameOf, nodeList, stepKindOf } from './steps';

/** What is waited for is looked at so often, milliseconds. */
const LOOK_MS = 50;

/** What a recording is played on. */
export interface Stage {
  workspace: OpenWorkspace;
  supervisor: Pick<Supervisor, 'start' | 'views' | 'viewIfKnown'>;
  transfers: Pick<Transfers, 'views'>;
  faults: { list(): FaultSpec[] };
  /** Carries out a call as any panel's. @throws StudioError */
  call(name: Step['call'], input: unknown): Promise<unknown>;
}

export interface Playing {
  /** From 1; 0 while the nodes are brought into the state of the beginning. */
  step: number;
  /** 'Kill CS1' */
  doing: string;
}

export class Player {
  readonly #recording: Recording;
  readonly #stage: Stage;
  readonly #cast: Cast;
  readonly #historyBefore: number;
  /** Ends every wait: the person has cancelled, or a step that others went on beside has failed. */
  readonly #stop = new AbortController();
  readonly #ends = new Map<Step, Promise<void>>();
  #began = 0;
  /** How much later than in the recording it is, milliseconds: the gaps are kept, so this never becomes less. */
  #late = 0;

  constructor(recording: Recording, stage: Stage) {
    this.#recording = recording;
    this.#stage = stage;
    this.#cast = new Cast(recording, stage.workspace.document.nodes);
    this.#historyBefore = stage.workspace.position;
  }

  /**
   * Plays it all; resolves when also the starts and downloads that it began have ended.
   * @throws StudioError 'STEP_FAILED' for a step that cannot be done: no further one is; or the reason of `signal`
   */
  async play(signal: AbortSignal, onStep: (playing: Playing) => void): Promise<void> {
    const { steps } = this.#recording;
    const impossible = this.#cast.firstImpossible(this.#stage.workspace.document.nodes);
    if (impossible) throw this.#failed(impossible.step, impossible.error);
    const cancel = (): void => this.#stop.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      await this.#healOwn(onStep);
      await this.#startAsAtFirst(onStep);
      this.#began = performance.now();
      for (const [n, step] of steps.entries()) {
        await this.#turnOf(step);
        onStep({ step: n + 1, doing: this.#words(step) });
        this.#begin(step);
      }
      for (const step of steps) if (step.took !== undefined) await this.#endOf(step);
      await this.#until(() => !this.#isStarting() && !this.#isDownloading());
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** What it has broken itself, at its recording or another replay, was whole at first. */
  async #healOwn(onStep: (playing: Playing) => void): Promise<void> {
    const { faults, call } = this.#stage;
    const own = new Set(this.#cast.ownFaults);
    const ids = faults.list().flatMap(({ id }) => (own.has(id) ? [id] : []));
    if (ids.length === 0) return;
    onStep({ step: 0, doing: 'Heal what is left of it' });
    await call('faults.remove', { ids });
  }

  /** A recording goes on from nodes that ran. Those that only run now are left alone. */
  async #startAsAtFirst(onStep: (playing: Playing) => void): Promise<void> {
    const { supervisor } = this.#stage;
    const isRunning = (id: string): boolean => supervisor.viewIfKnown(id)?.phase === 'running';
    const ids = this.#cast.ranAtFirst.filter((id) => !isRunning(id));
    if (ids.length === 0) return;
    onStep({ step: 0, doing: `Start ${nodeList(ids, (_, id) => this.#present(id))}` });
    await abortable(supervisor.start(ids), this.#stop.signal);
    const lacking = ids.find((id) => !isRunning(id));
    if (lacking === undefined) return;
    const { message, hint } = supervisor.viewIfKnown(lacking)?.reason ?? { message: 'see its log' };
    throw new StudioError(
      'NOT_STARTED',
      `No step was done: ${this.#present(lacking)} ran when this was recorded, and cannot be started now: ${message}`,
      hint ?? 'Start it, then replay again.',
    );
  }

  /** Waits until it is as late as it was, and all has been answered that had been answered before. */
  async #turnOf(step: Step): Promise<void> {
    for (const earlier of this.#ends.keys()) {
      if (earlier.took === undefined || earlier.at + earlier.took > step.at) continue;
      await this.#endOf(earlier);
      this.#ends.delete(earlier);
      this.#noteLateness(earlier.at + earlier.took);
    }
    const wait = step.at + this.#late - this.#elapsed();
    if (wait > 0) await this.#sleep(wait);
    if (stepKindOf(step.call)?.needsRunning) await this.#until(() => !this.#isStarting());
    this.#stop.signal.throwIfAborted();
    this.#noteLateness(step.at);
  }

  #begin(step: Step): void {
    const end = this.#perform(step).catch((thrown: unknown) => {
      const failure = this.#failed(step, thrown);
      this.#stop.abort(failure);
      throw failure;
    });
    // It may be that nobody waits for it: then its failure is the reason with which every wait ends.
    end.catch(() => undefined);
    this.#ends.set(step, end);
  }

  async #perform(step: Step): Promise<void> {
    const kind = stepKindOf(step.call);
    const { workspace, faults } = this.#stage;
    if (step.call === 'workspace.undo' && workspace.position <= this.#historyBefore)
      throw new StudioError(
        'NOTHING_TO_UNDO',
        'what it would undo was not done by this replay.',
        'Record it again.',
      );
    const input = kind?.rename?.(step.input, this.#cast.rename) ?? step.input;
    const { output, made } = await withMade(
      step.call,
      () => faults.list(),
      () => this.#stage.call(step.call, input),
    );
    const shortfall = kind?.shortfall?.(output);
    if (shortfall) throw new StudioError('SHORTFALL', shortfall);
    this.#cast.bind(step.made, made);
    const [transfer] = made.transfer ?? [];
    if (transfer !== undefined && step.made?.node) await this.#bindClient(step, transfer);
  }

  /** The download added a client when it was recorded; whichever it has now stands for that. */
  async #bindClient(step: Step, transfer: string): Promise<void> {
    const view = () => this.#stage.transfers.views().find(({ id }) => id === transfer);
    await this.#until(() => view()?.client !== '' || view()?.phase !== 'waiting');
    const client = view()?.client;
    if (client) this.#cast.bind({ node: step.made?.node ?? [] }, { node: [client] });
  }

  #endOf(step: Step): Promise<void> {
    return abortable(this.#ends.get(step) ?? Promise.resolve(), this.#stop.signal);
  }

  #isStarting(): boolean {
    return this.#stage.supervisor.views().some(({ phase }) => phase === 'starting');
  }

  /** Whether a download of this replay is under way. */
  #isDownloading(): boolean {
    const own = this.#recording.steps.flatMap(({ made }) => made?.transfer ?? []);
    const ids = new Set(own.map((id) => this.#cast.rename('transfer', id)));
    return this.#stage.transfers
      .views()
      .some(({ id, phase }) => ids.has(id) && ['waiting', 'running', 'verifying'].includes(phase));
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#sleep(LOOK_MS);
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  #noteLateness(recordedAt: number): void {
    this.#late = Math.max(this.#late, this.#elapsed() - recordedAt);
  }

  #elapsed(): number {
    return performance.now() - this.#began;
  }

  #words(step: Step): string {
    return stepKindOf(step.call)?.words(step.input, this.#nameOf) ?? step.call;
  }

  readonly #nameOf: NameOf = (what, id) => {
    const present = this.#cast.rename(what, id);
    if (what === 'node') return this.#present(present, this.#cast.nameAtFirst(id));
    return this.#stage.transfers.views().find((view) => view.id === present)?.name ?? 'a file';
  };

  /** The name of a node of now. */
  #present(id: string, otherwise = id): string {
    return this.#stage.workspace.document.nodes.find((node) => node.id === id)?.name ?? otherwise;
  }

  #failed(step: Step, thrown: unknown): StudioError {
    if (this.#stop.signal.aborted) return this.#stop.signal.reason as StudioError;
    const { message, hint } = toErrorShape(thrown);
    const { steps } = this.#recording;
    return new StudioError(
      'STEP_FAILED',
      `Step ${steps.indexOf(step) + 1} of ${steps.length}, “${this.#words(step)}”, cannot be done: ${message}`,
      hint,
      { cause: thrown },
    );
  }
}
