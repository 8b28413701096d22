/** Recording and replaying: toolbar, dialogs and command palette use these. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { saveFile } from './export/save-file';
import { formatCount } from './format';
import { notify } from './notify';
import { runWith, useStudio, useStudioParts } from './studio-context';

const LIST = 'recordings';

export interface RecorderCommands {
  record(): void;
  /** Saves under a name that is free, and offers to replay it. */
  stop(): void;
  replay(id: string): void;
  stopReplay(): void;
  rename(id: string, name: string): void;
  remove(id: string): void;
  /** Offers the file to be saved elsewhere. */
  export(id: string): Promise<void>;
}

export function useRecorderCommands(): RecorderCommands {
  const { client, store } = useStudioParts();
  const queries = useQueryClient();
  return useMemo(() => {
    const run = runWith(client);
    const listChanged = (): void => void queries.invalidateQueries({ queryKey: [LIST] });
    const replay = (id: string): void => void run('recordings.replay', { id });
    const stop = async (): Promise<void> => {
      const saved = await run('recordings.stop', {});
      listChanged();
      if (saved === undefined) return;
      if (saved === null) {
        const text = 'Nothing was done that a replay could do again.';
        return notify({ level: 'info', title: 'Nothing was recorded', text });
      }
      notify({
        level: 'good',
        title: `${saved.name} is saved`,
        text: `${formatCount(saved.steps, 'step')}, in ${saved.path}`,
        action: { label: 'Replay', run: () => replay(saved.id) },
      });
    };
    return {
      record: () => void run('recordings.start', {}),
      stop: () => void stop(),
      replay,
      stopReplay() {
        const recorder = store.get()?.recorder;
        if (recorder?.phase === 'replaying') void run('tasks.cancel', { id: recorder.task });
      },
      rename: (id, name) => void run('recordings.rename', { id, name }).then(listChanged),
      remove: (id) => void run('recordings.remove', { id }).then(listChanged),
      async export(id) {
        const file = await run('recordings.read', { id });
        if (file) saveFile(file.fileName, file.text, 'application/json');
      },
    };
  }, [client, store, queries]);
}

/** The recordings of the open workspace, the newest first. Other panels may change them: `refetch` when looked at. */
export function useRecordings() {
  const { client } = useStudioParts();
  const path = useStudio((state) => state.workspace.path);
  return useQuery({
    queryKey: [LIST, path],
    queryFn: () => client.transport.call('recordings.list', {}),
  });
}
