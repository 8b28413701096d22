/**
 * Where the parts of the window are put together: features do not know each other, this file knows them all.
 * A new tab of the inspector or panel of the dock is one entry here.
 */

import { useHasDraft } from './features/config/use-has-draft';
import type { DockPanel } from './features/dock/dock';
import { useFaultCount } from './features/faults/use-fault-count';
import { useFileCount } from './features/files/use-file-count';
import type { InspectorTab } from './features/inspector/inspector';
import { useProblemCount } from './features/problems/use-problem-count';
import { useRunningTasks } from './features/tasks/use-running-tasks';
import { Transfers, useActiveTransfers } from './features/transfers/transfers';
import { later } from './later';

const faultsTab = () => import('./features/faults/faults-tab');
const messages = () => import('./features/messages/messages');

export const inspectorTabs: readonly InspectorTab[] = [
  {
    id: 'overview',
    label: 'Overview',
    content: later(() => import('./features/inspector/overview').then((part) => part.Overview)),
  },
  {
    id: 'files',
    label: 'Files',
    content: later(() => import('./features/files/files-tab').then((part) => part.FilesTab)),
    appliesTo: (manifest) => manifest.filesField !== undefined,
    useCount: useFileCount,
  },
  {
    id: 'faults',
    label: 'Faults',
    content: later(() => faultsTab().then((part) => part.FaultsTab)),
    useCount: useFaultCount,
  },
  { id: 'messages', label: 'Messages', content: later(() => messages().then((part) => part.NodeMessages)) },
  {
    id: 'logs',
    label: 'Logs',
    content: later(() => import('./features/logs/logs-tab').then((part) => part.LogsTab)),
  },
  {
    id: 'config',
    label: 'Config',
    content: later(() => import('./features/config/config-tab').then((part) => part.ConfigTab)),
    useHasDraft,
  },
];

export const LinkFaults = later(() => faultsTab().then((part) => part.LinkFaults));
export const SelectionFaults = later(() => faultsTab().then((part) => part.SelectionFaults));
export const FaultMenu = later(() => import('./features/faults/fault-menu').then((part) => part.FaultMenu));
export const Search = later(() => import('./features/search/search').then((part) => part.Search));
export const Dialogs = later(() => import('./features/dialogs/dialogs').then((part) => part.Dialogs));
export const SettingsDialog = later(() =>
  import('./features/settings/settings-dialog').then((part) => part.SettingsDialog),
);

export const dockPanels: readonly DockPanel[] = [
  { id: 'transfers', label: 'Transfers', content: Transfers, useCount: useActiveTransfers },
  {
    id: 'catalogue',
    label: 'All files',
    content: later(() => import('./features/files/catalogue').then((part) => part.Catalogue)),
  },
  {
    id: 'journal',
    label: 'Journal',
    content: later(() => import('./features/journal/journal').then((part) => part.Journal)),
  },
  { id: 'messages', label: 'Messages', content: later(() => messages().then((part) => part.Messages)) },
  {
    id: 'metrics',
    label: 'Metrics',
    content: later(() => import('./features/metrics/metrics').then((part) => part.Metrics)),
  },
  {
    id: 'tasks',
    label: 'Tasks',
    content: later(() => import('./features/tasks/tasks').then((part) => part.Tasks)),
    useCount: useRunningTasks,
  },
  {
    id: 'problems',
    label: 'Problems',
    content: later(() => import('./features/problems/problems').then((part) => part.Problems)),
    useCount: useProblemCount,
    alarming: true,
  },
];
