/** Nodes that are drained one kind after the other, as their manifests order it. */
import { knownManifest } from '../workspace/document';
import type { SupervisedNode } from './supervised-node';

/**
 * A replica balancer is finished before its replicas, so that nobody is sent to one that is leaving. Kinds without
 * a place in the order are drained at once, and nobody waits for them.
 */
export class DrainTurns {
  /** Whose turn has not come. */
  readonly #queued = new Set<SupervisedNode>();

  /** Resolves when all are gone, or were left out because something else was wanted of them meanwhile. */
  async drain(nodes: readonly SupervisedNode[]): Promise<void> {
    this.forget(nodes);
    const atOnce = nodes.filter((node) => turnOf(node) === undefined || !node.alive);
    const turns = inTurns(nodes.filter((node) => !atOnce.includes(node)));
    for (const [place, turn] of turns.entries()) {
      const before = turns[place - 1];
      for (const node of before ? turn : []) {
        this.#queued.add(node);
        node.awaitDrain((before ?? []).map(({ spec }) => spec.name));
      }
    }
    await Promise.all([drainAll(atOnce), this.#oneAfterTheOther(turns)]);
  }

  /** Something else is wanted of these: they lose their turn. */
  forget(nodes: Iterable<SupervisedNode>): void {
    for (const node of nodes) if (this.#queued.delete(node)) node.awaitDrain([]);
  }

  async #oneAfterTheOther(turns: readonly SupervisedNode[][]): Promise<void> {
    for (const [place, turn] of turns.entries()) {
      const still = place === 0 ? turn : turn.filter((node) => this.#queued.delete(node));
      await drainAll(still);
    }
  }
}

function turnOf({ spec }: SupervisedNode): number | undefined {
  return knownManifest(spec.kind).drainOrder;
}

function inTurns(nodes: readonly SupervisedNode[]): SupervisedNode[][] {
  const turns = new Map<number, SupervisedNode[]>();
  for (const node of nodes) {
    const place = turnOf(node) ?? 0;
    turns.set(place, [...(turns.get(place) ?? []), node]);
  }
  return [...turns.entries()].sort(([a], [b]) => a - b).map(([, turn]) => turn);
}

async function drainAll(nodes: readonly SupervisedNode[]): Promise<void> {
  for (const node of nodes) node.drain();
  await Promise.all(nodes.map(({ ended }) => ended));
}
