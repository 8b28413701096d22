/** What can be done with faults, once: tab, link inspector, menus and palette use these. */
import { useMemo } from 'react';
import type { FaultSpec } from '../../../contract/fault';
import { type FaultPlace, newFaults } from '../../fault-links';
import { runWith, useStudioParts } from '../../studio-context';

export interface FaultCommands {
  /** Sets a fault of this kind with its defaults; acts at once. */
  add(kind: string, place: FaultPlace): Promise<void>;
  set(fault: FaultSpec): void;
  remove(ids: readonly string[]): void;
  /** Moves a fault before or behind its neighbour in `chain`. */
  move(chain: readonly FaultSpec[], index: number, by: -1 | 1): void;
  preset(id: string, nodes: readonly string[]): void;
}

export function useFaultCommands(): FaultCommands {
  const { client, store } = useStudioParts();
  return useMemo(() => {
    const run = runWith(client);
    return {
      async add(kind, place) {
        const state = store.get();
        const faults = state ? newFaults(kind, place, state, () => crypto.randomUUID()) : [];
        if (faults.length > 0) await run('faults.setMany', { faults });
      },
      set: (fault) => void run('faults.set', { fault }),
      remove: (ids) => void run('faults.remove', { ids: [...ids] }),
      move(chain, index, by) {
        const ids = chain.map(({ id }) => id);
        const moved = ids[index];
        const neighbour = ids[index + by];
        if (moved === undefined || neighbour === undefined) return;
        ids[index] = neighbour;
        ids[index + by] = moved;
        void run('faults.order', { ids });
      },
      preset: (preset, nodes) => void run('faults.preset', { preset, ids: [...nodes] }),
    };
  }, [client, store]);
}
