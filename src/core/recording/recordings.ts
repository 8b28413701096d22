/** The recorder of a workspace: it records, or it replays, or it does nothing. */
import type { CallName, CallOutput, CallParsed } from '../../contract/calls';
import { StudioError, toErrorShape } from '../../contract/errors';
import type { RecorderView, RecordingRow } from '../../contract/recording';
import type { Core } from '../core';
import type { Session } from '../events/event-hub';
import type { Task } from '../tasks';
import { recordingsFolder } from '../workspace/workspace-paths';
import { Player, type Playing } from './player';
import { Recorder } from './recorder';
import type { Recording } from './recording';
import { RecordingFiles } from './recording-files';

export type SavedRecording = NonNullable<CallOutput<'recordings.stop'>>;

/** A replay that has begun. */
export interface Replaying {
  task: Task;
  /** Resolves when it has ended, however that was: the task tells. */
  ended: Promise<void>;
}

export class Recordings {
  readonly files: RecordingFiles;
  readonly #core: Core;
  #recorder: Recorder | undefined;
  #saving: Promise<SavedRecording | null> | undefined;
  #replay: (Replaying & { view: RecorderView }) | undefined;

  constructor(core: Core) {
    this.#core = core;
    this.files = new RecordingFiles(() => recordingsFolder(core.workspace.path));
  }

  get view(): RecorderView {
    if (this.#replay) return this.#replay.view;
    if (!this.#recorder) return { phase: 'idle' };
    const { startedAt, length } = this.#recorder;
    return { phase: 'recording', startedAt, steps: length };
  }

  /** Carries out a call, which is recorded if it is to be. @throws what `run` throws */
  async pass<N extends CallName>(
    call: N,
    input: CallParsed<N>,
    run: () => CallOutput<N> | Promise<CallOutput<N>>,
  ): Promise<CallOutput<N>> {
    return this.#recorder ? this.#recorder.pass(call, input, run) : run();
  }

  /** @throws StudioError of code 'RECORDING' or 'REPLAYING' */
  start(): void {
    this.#refuseBusy();
    this.#recorder = new Recorder(this.#core, {
      onChange: () => this.#changed(),
      onFull: () => void this.#saveByItself('It is as long as a recording may be.'),
    });
    this.#changed();
  }

  /**
   * Ends the recording and saves it; null when there was no step to save. Where it cannot be saved, it goes on.
   * @throws StudioError 'NOT_RECORDING', or why it cannot be saved
   */
  stop(name?: string): Promise<SavedRecording | null> {
    const recorder = this.#recorder;
    if (!recorder) throw new StudioError('NOT_RECORDING', 'Nothing is being recorded.');
    this.#saving ??= this.#save(recorder, name).finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  /** @throws StudioError of code 'NO_RECORDING' or 'BAD_RECORDING' */
  async rename(id: string, name: string): Promise<void> {
    await this.files.save({ ...(await this.files.read(id)), name }, id);
  }

  /**
   * Begins to do again what was recorded.
   * @param session of whom it is done for
   * @param onStep is told of each step before it is done
   * @throws StudioError of code 'RECORDING' or 'REPLAYING'
   */
  replay(recording: Recording, session: Session, onStep?: (playing: Playing) => void): Replaying {
    this.#refuseBusy();
    const { name, steps } = recording;
    const title = `Replay ${name}`;
    const task = this.#core.tasks.begin({ kind: 'other', title, unit: 'items', total: steps.length });
    const show = ({ step, doing }: Playing): void => {
      if (!this.#replay) return;
      this.#replay.view = { phase: 'replaying', name, task: task.id, step, steps: steps.length, doing };
      this.#changed();
    };
    const player = new Player(recording, this.#stage(session));
    // Not at once: who asked for it is to have its task before it can have ended.
    const ended = Promise.resolve().then(() =>
      this.#play(recording, task, player, (playing) => {
        show(playing);
        onStep?.(playing);
      }),
    );
    this.#replay = { task, ended, view: this.view };
    show({ step: 0, doing: 'Begin' });
    return { task, ended };
  }

  /** The workspace is left: what was recorded is saved, and a replay ends. */
  async leave(): Promise<void> {
    this.#replay?.task.cancel();
    await this.#replay?.ended;
    if (this.#recorder) await this.#saveByItself('Its workspace is no longer open.');
    this.#recorder = undefined;
    this.#changed();
  }

  async #save(recorder: Recorder, name: string | undefined): Promise<SavedRecording | null> {
    if (recorder.length === 0) {
      this.#end();
      return null;
    }
    const recording = recorder.recording(name ?? (await this.files.freeName()));
    let row: RecordingRow;
    try {
      row = await this.files.save(recording);
    } catch (error) {
      const { code, message } = toErrorShape(error);
      const hint = 'It goes on. Make room, or see that the folder can be written, then stop it again.';
      throw new StudioError(code, `The recording could not be saved: ${message}`, hint);
    }
    this.#end();
    return { ...row, path: this.files.path(row.id) };
  }

  /** Nobody has asked for it, so everybody is told. */
  async #saveByItself(why: string): Promise<void> {
    const { hub } = this.#core;
    try {
      const saved = await this.stop();
      if (saved) hub.notice('info', `${saved.name} was ended and saved`, `${why} ${stepCount(saved.steps)}.`);
    } catch (error) {
      hub.notice('bad', toErrorShape(error).message);
    }
  }

  async #play(
    recording: Recording,
    task: Task,
    player: Player,
    onStep: (playing: Playing) => void,
  ): Promise<void> {
    const { hub, journal } = this.#core;
    const { name, steps } = recording;
    let begun = 0;
    journal.add({ level: 'info', type: 'replay-begun', text: `The replay of ${name} began.` });
    try {
      await player.play(task.signal, (playing) => {
        task.advance(playing.step - begun);
        begun = playing.step;
        onStep(playing);
      });
      task.done(`${stepCount(steps.length)} replayed`);
      journal.add({ level: 'good', type: 'replay-ended', text: `The replay of ${name} is done.` });
      hub.notice('good', `${name} was replayed`, `${stepCount(steps.length)} done.`);
    } catch (thrown) {
      const { message, hint } = toErrorShape(thrown);
      if (task.signal.aborted) {
        task.cancelled(`${begun} of ${stepCount(steps.length)} replayed`);
        journal.add({ level: 'info', type: 'replay-ended', text: `The replay of ${name} was cancelled.` });
      } else {
        task.fail(thrown);
        journal.add({
          level: 'bad',
          type: 'replay-ended',
          text: `The replay of ${name} has failed: ${message}`,
        });
        hub.notice('bad', `The replay of ${name} has failed`, [message, hint].filter(Boolean).join(' '));
      }
    } finally {
      this.#replay = undefined;
      this.#changed();
    }
  }

  #stage(session: Session): ConstructorParameters<typeof Player>[1] {
    const core = this.#core;
    const { workspace, supervisor, transfers, faults } = core;
    return {
      workspace,
      supervisor,
      transfers,
      faults,
      call: (name, input) => core.call(name, input, session),
    };
  }

  #refuseBusy(): void {
    if (this.#replay)
      throw new StudioError('REPLAYING', 'A recording is being replayed.', 'Wait for its end, or stop it.');
    if (this.#recorder)
      throw new StudioError('RECORDING', 'A recording is being made.', 'Stop it first, which saves it.');
  }

  #end(): void {
    this.#recorder = undefined;
    this.#changed();
  }

  #changed(): void {
    this.#core.hub.push({ type: 'recorder', recorder: this.view });
  }
}

function stepCount(count: number): string {
  return count === 1 ? '1 step' : `${count} steps`;
}
