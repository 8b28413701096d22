/** Who stands in a replay for whom: the ids of a recording, and those that its things have now. */
import { StudioError } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import type { Recording, Step } from './recording';
import { type Made, type MadeThing, madeThings, namedIn, type Rename } from './steps';

export class Cast {
  readonly #recording: Recording;
  readonly #present = new Map<string, string>();

  /**
   * Gives every node of the recording's beginning to one of `nodes`: the one of its id, or else of its name.
   * Where none is of its kind too, nobody stands for it.
   */
  constructor(recording: Recording, nodes: readonly NodeSpec[]) {
    this.#recording = recording;
    for (const part of recording.nodes) {
      const fitting = nodes.filter(({ kind }) => kind === part.kind);
      const found =
        fitting.find(({ id }) => id === part.id) ?? fitting.find(({ name }) => name === part.name);
      if (found) this.#present.set(key('node', part.id), found.id);
    }
  }

  /** What had this id; the id itself where nobody stands for it. */
  readonly rename: Rename = (what, id) => this.#present.get(key(what, id)) ?? id;

  /** What a step has made stands for what it made when it was recorded, where it is as many. */
  bind(recorded: Made | undefined, made: Made): void {
    for (const what of madeThings) {
      const present = made[what] ?? [];
      const former = recorded?.[what] ?? [];
      if (former.length !== present.length) continue;
      former.forEach((id, n) => void this.#present.set(key(what, id), String(present[n])));
    }
  }

  /** The nodes of now that ran when the recording began. */
  get ranAtFirst(): string[] {
    return this.#recording.nodes.flatMap(({ id, running }) =>
      running ? (this.#present.get(key('node', id)) ?? []) : [],
    );
  }

  /** Ids of the faults that the recording sets itself. */
  get ownFaults(): string[] {
    return this.#recording.steps.flatMap(({ made }) => made?.fault ?? []);
  }

  /** The name that a node had when the recording began. */
  nameAtFirst(id: string): string | undefined {
    return this.#recording.nodes.find((node) => node.id === id)?.name;
  }

  /**
   * The first step that needs a node which is neither in the workspace nor made by an earlier step, and why it
   * cannot be done.
   */
  firstImpossible(nodes: readonly NodeSpec[]): { step: Step; error: StudioError } | undefined {
    const atFirst = new Set(this.#recording.nodes.map(({ id }) => id));
    const here = new Set(nodes.map(({ id }) => id));
    // One that was there at first is not replaced by whatever has its id here.
    const isHere = (id: string): boolean =>
      atFirst.has(id) ? this.#present.has(key('node', id)) : here.has(id);
    const made = new Set<string>();
    for (const step of this.#recording.steps) {
      const missing = namedIn(step.call, step.input).find(
        ({ what, id }) => what === 'node' && !made.has(id) && !isHere(id),
      );
      if (missing) return { step, error: this.#isMissing(missing.id) };
      for (const id of step.made?.node ?? []) made.add(id);
    }
    return undefined;
  }

  #isMissing(id: string): StudioError {
    const part = this.#recording.nodes.find((node) => node.id === id);
    const label = manifestOf(part?.kind ?? '')?.label.toLowerCase() ?? 'node';
    const instead = part ? `, or add a node called ${part.name} (${label})` : '';
    return new StudioError(
      'NOT_IN_WORKSPACE',
      `${part?.name ?? `the node "${id}"`} is not in this workspace.`,
      `Nothing was done. Replay it in the workspace where it was recorded${instead}.`,
    );
  }
}

function key(what: MadeThing, id: string): string {
  return `${what} ${id}`;
}
