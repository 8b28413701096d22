/** What can be done with faults, once: tab, link inspector, menus and palette use these. */
import { useMemo } from 'react';
import type { FaultSpec } from '../../../contract/fault';
import { type FaultPlace, newFaults } from '../../fault-links';
import { newId } from '../../new-id';
import { runWith, useStudioParts } from '../../studio-context';
import type { FaultGroup } from './fault-groups';

export interface FaultCommands {
  /** Sets a fault of this kind with its defaults; acts at once. */
  add(kind: string, place: FaultPlace): Promise<void>;
  /** Changes faults that are there, all at the same moment. Resolves when the core has answered. */
  set(faults: readonly FaultSpec[]): Promise<void>;
  remove(ids: readonly string[]): void;
  /** Moves a group of faults before or behind its neighbour in `chain`. */
  move(chain: readonly FaultGroup[], index: number, by: -1 | 1): void;
  preset(id: string, nodes: readonly string[]): void;
}

export function useFaultCommands(): FaultCommands {
  const { client, store } = useStudioParts();
  return useMemo(() => {
    const run = runWith(client);
    return {
      async add(kind, place) {
        const state = store.get();
        const faults = state ? newFaults(kind, place, state, newId) : [];
        if (faults.length > 0) await run('faults.set', { faults });
      },
      async set(faults) {
        await run('faults.set', { faults: [...faults] });
      },
      remove: (ids) => void run('faults.remove', { ids: [...ids] }),
      move(chain, index, by) {
        const groups = [...chain];
        const moved = groups[index];
        const neighbour = groups[index + by];
        if (!moved || !neighbour) return;
        groups[index] = neighbour;
        groups[index + by] = moved;
        void run('faults.order', { ids: groups.flat().map(({ id }) => id) });
      },
      preset: (preset, nodes) => void run('faults.preset', { preset, ids: [...nodes] }),
    };
  }, [client, store]);
}
