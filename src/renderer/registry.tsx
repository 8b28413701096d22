/**
 * Where the parts of the window are put together: features do not know each other, this file knows them all.
 * A new tab of the inspector or panel of the dock is one entry here.
 */
import { ConfigTab } from './features/config/config-tab';
import type { DockPanel } from './features/dock/dock';
import { FaultsTab, useFaultCount } from './features/faults/faults-tab';
import { Catalogue } from './features/files/catalogue';
import { FilesTab, useFileCount } from './features/files/files-tab';
import type { InspectorTab } from './features/inspector/inspector';
import { Overview } from './features/inspector/overview';
import { Journal } from './features/journal/journal';
import { LogsTab } from './features/logs/logs-tab';
import { Messages, NodeMessages } from './features/messages/messages';
import { Problems, useProblemCount } from './features/problems/problems';
import { Tasks, useRunningTasks } from './features/tasks/tasks';
import { Transfers, useActiveTransfers } from './features/transfers/transfers';

export const inspectorTabs: readonly InspectorTab[] = [
  { id: 'overview', label: 'Overview', content: Overview },
  {
    id: 'files',
    label: 'Files',
    content: FilesTab,
    appliesTo: (manifest) => manifest.filesField !== undefined,
    useCount: useFileCount,
  },
  { id: 'faults', label: 'Faults', content: FaultsTab, useCount: useFaultCount },
  { id: 'messages', label: 'Messages', content: NodeMessages },
  { id: 'logs', label: 'Logs', content: LogsTab },
  { id: 'config', label: 'Config', content: ConfigTab },
];

export const dockPanels: readonly DockPanel[] = [
  { id: 'transfers', label: 'Transfers', content: Transfers, useCount: useActiveTransfers },
  { id: 'catalogue', label: 'All files', content: Catalogue },
  { id: 'journal', label: 'Journal', content: Journal },
  { id: 'messages', label: 'Messages', content: Messages },
  { id: 'tasks', label: 'Tasks', content: Tasks, useCount: useRunningTasks },
  { id: 'problems', label: 'Problems', content: Problems, useCount: useProblemCount, alarming: true },
];
