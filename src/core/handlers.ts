/** What each call of the panel does. One line where the work is a part's, which is nearly always. */
import type { CallName, CallOutput, CallParsed } from '../contract/calls';
import { StudioError } from '../contract/errors';
import type { Core } from './core';
import type { Session } from './events/event-hub';
import { checkPort } from './supervisor/ports';
import { listWorkspaces } from './workspace/library';
import { buildSample } from './workspace/sample';

export type Handlers = {
  [N in CallName]: (input: CallParsed<N>, session: Session) => CallOutput<N> | Promise<CallOutput<N>>;
};

export function createHandlers(core: Core): Handlers {
  const { supervisor, relays, faults, content, transfers, tasks, records, settings, catalogue, recordings } =
    core;
  const { shellActions, dataFolder } = core.options;
  /** Names that are not there are an error at once; the outcome is told by events, as of any long work. */
  const known = (ids: readonly string[]): void => {
    for (const id of ids) supervisor.spec(id);
  };

  return {
    'studio.snapshot': (_, session) => core.snapshot(session),
    'studio.watch': (input, session) => session.watch(input),

    'workspace.apply': async ({ command }) => ({ ids: await core.workspace.apply(command) }),
    'workspace.undo': () => core.workspace.undo(),
    'workspace.redo': () => core.workspace.redo(),
    'workspace.list': () => listWorkspaces(dataFolder, settings.current.recentWorkspaces),
    'workspace.open': async ({ path }) => {
      const listed = await listWorkspaces(dataFolder, settings.current.recentWorkspaces);
      if (!core.options.shell.paths && !listed.some((workspace) => workspace.path === path))
        throw new StudioError(
          'NOT_HERE',
          'A browser opens only the workspaces of the list.',
          'Choose one of it.',
        );
      await core.openWorkspace(path);
    },
    'workspace.create': ({ name }) => core.createWorkspace(name),
    'workspace.sample': async ({ sample }) => {
      const ids = await buildSample(sample, core);
      void supervisor.start(ids);
      return { ids };
    },

    'nodes.start': ({ ids }) => {
      known(ids);
      void supervisor.start(ids);
    },
    'nodes.stop': ({ ids }) => {
      known(ids);
      void supervisor.stop(ids);
    },
    'nodes.drain': ({ ids }) => {
      known(ids);
      void supervisor.drain(ids);
    },
    'nodes.restart': ({ ids }) => {
      known(ids);
      void supervisor.restart(ids);
    },
    'nodes.kill': ({ ids }) => {
      known(ids);
      void supervisor.kill(ids);
    },
    'nodes.hang': ({ ids }) => {
      for (const id of ids) faults.hang(id);
    },
    'nodes.resume': ({ ids }) => {
      for (const id of ids) faults.resume(id);
    },
    'nodes.operate': ({ id, operation, input }) => supervisor.operate(id, operation, input),
    'relays.insert': async (link) => ({ id: await relays.insert(link) }),
    'relays.remove': ({ id }) => relays.remove(id),
    'ports.check': ({ host, port, transport, node }) =>
      checkPort(host, port, transport, supervisor.portUses(), node),

    'files.list': ({ node, ...query }) => content.list(node, query),
    'files.remove': ({ node, names }) => content.remove(node, names),
    'files.removed': ({ node, ...range }) => content.removed(node, range),
    'files.restore': ({ node, files }) => content.restore(node, files),
    'files.emptyTrash': async ({ node }) => ({ deleted: await content.emptyTrash(node) }),
    'files.import': ({ node, paths }) => {
      if (!core.options.shell.paths)
        throw new StudioError(
          'NOT_HERE',
          'A browser has no paths of this machine.',
          'Drop the files instead.',
        );
      return { tasks: content.import(node, paths) };
    },
    'files.prepareUpload': ({ node, files }, session) => ({
      tickets: content.prepareUpload(node, files, session.closed.signal),
    }),
    'catalogue.list': (query) => catalogue.list(query),

    'transfers.download': (request) => ({ id: transfers.download(request) }),
    'transfers.pause': ({ id }) => transfers.pause(id),
    'transfers.resume': ({ id }) => transfers.resume(id),
    'transfers.cancel': ({ id }) => transfers.cancel(id),
    'transfers.prioritise': ({ id, priority }) => transfers.prioritise(id, priority),
    'transfers.retry': ({ id }) => transfers.retry(id),
    'transfers.clear': ({ id }) => transfers.clear(id),
    'transfers.saveAs': ({ id }) => {
      const { name, savedTo } = transfers.view(id);
      if (savedTo === undefined)
        throw new StudioError('NOT_SAVED', `${name} is not downloaded yet.`, 'Wait until it is.');
      return { path: `/download/${core.savedFiles.ticket(savedTo)}` };
    },
    'tasks.cancel': ({ id }) => tasks.cancel(id),
    'tasks.clear': () => tasks.clear(),

    'logs.list': ({ node, limit }) => records.logs(node, limit),
    'messages.list': ({ nodes, limit }) => records.messages(nodes, limit),

    'faults.set': ({ faults: wanted }) => faults.set(wanted),
    'faults.preset': ({ preset, ids }) => faults.applyPreset(preset, ids),
    'faults.order': ({ ids }) => faults.order(ids),
    'faults.remove': ({ ids }) => faults.remove(ids),
    'faults.healAll': () => faults.healAll(),

    'recordings.start': () => recordings.start(),
    'recordings.stop': ({ name }) => recordings.stop(name),
    'recordings.list': () => recordings.files.list(),
    'recordings.replay': async ({ id }, session) => {
      const { task } = recordings.replay(await recordings.files.read(id), session);
      return { task: task.id };
    },
    'recordings.rename': ({ id, name }) => recordings.rename(id, name),
    'recordings.read': ({ id }) => recordings.files.text(id),
    'recordings.remove': ({ id }) => recordings.files.remove(id),

    'settings.set': ({ settings: change }) => settings.set(change),
    'shell.reveal': async ({ path }) => {
      if (!shellActions) throw notHere('show a folder');
      await shellActions.reveal(path);
    },
    'shell.choose': async ({ what, title }) => {
      if (!shellActions) throw notHere('ask for a file');
      return shellActions.choose(what, title);
    },
  };
}

function notHere(what: string): StudioError {
  return new StudioError('NOT_HERE', `A page in the browser cannot ${what}.`, 'The desktop program can.');
}
