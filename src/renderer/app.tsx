/** The window: its regions, and what holds for all of them. */
import { MantineProvider, useMantineColorScheme } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { spotlight } from '@mantine/spotlight';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import css from './app.module.css';
import { ConnectionBanner, type ConnectionState, useConnection } from './features/connection/connection';
import { Dock } from './features/dock/dock';
import { FaultBanner } from './features/faults/fault-banner';
import { Inspector } from './features/inspector/inspector';
import { Palette } from './features/palette/palette';
import { Recorder } from './features/recorder/recorder';
import { Toolbar } from './features/toolbar/toolbar';
import { Topology } from './features/topology/topology';
import { Guide } from './features/welcome/guide';
import { Welcome } from './features/welcome/welcome';
import { loadTheRest } from './later';
import { notify } from './notify';
import {
  Dialogs,
  dockPanels,
  FaultMenu,
  inspectorTabs,
  LinkFaults,
  Search,
  SelectionFaults,
  SettingsDialog,
} from './registry';
import { useSelected } from './store';
import {
  type Studio,
  StudioProvider,
  usePanel,
  usePanelState,
  useStudio,
  useStudioParts,
} from './studio-context';
import { cssVariables, theme } from './theme';
import { EmptyState } from './ui/empty-state';
import { ErrorBoundary } from './ui/error-boundary';
import { Splitter } from './ui/splitter';
import { carriesFiles } from './uploads/dropped';
import { tellWatch, watchOf } from './watch';
import { useWindowKeys } from './window-keys';

const queries = new QueryClient({
  defaultOptions: { queries: { refetchOnWindowFocus: false, retry: 1, staleTime: 10_000 } },
});

export function App({ studio }: { studio: Studio }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <StudioProvider value={studio}>
          <Toasts studio={studio} />
          <Shell studio={studio} />
        </StudioProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Shell({ studio }: { studio: Studio }) {
  const isLoaded = useSelected(studio.store, (state) => state !== null);
  const connection = useConnection(studio.client);
  return (
    <div className={css.shell}>
      <ConnectionBanner connection={connection} client={studio.client} />
      {isLoaded ? (
        <ErrorBoundary part="window">
          <Window />
        </ErrorBoundary>
      ) : (
        <Loading connection={connection} />
      )}
    </div>
  );
}

/** Above the dock, so that they hide none of its rows; behind menus (300), so that they hide no entry; before dialogs (200). */
function Toasts({ studio }: { studio: Studio }) {
  const bottom = useSelected(studio.panel, ({ dockOpen, dockHeight }) => (dockOpen ? dockHeight + 12 : 48));
  // The kit draws one container for each corner; only ours is raised.
  useEffect(() => document.documentElement.style.setProperty('--toasts-bottom', `${bottom}px`), [bottom]);
  return <Notifications position="bottom-right" limit={4} containerWidth={340} zIndex={250} />;
}

/** Soon over; if not, it says what it waits for. */
function Loading({ connection }: { connection: ConnectionState }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 1500);
    return () => clearTimeout(timer);
  }, []);
  if (!isSlow || connection.state === 'lost') return null;
  return (
    <EmptyState title="Waiting for the studio…">
      The panel is here; the studio has not answered yet.
    </EmptyState>
  );
}

function Window() {
  const panel = usePanel();
  const inspectorOpen = usePanelState((state) => state.inspectorOpen);
  const inspectorWidth = usePanelState((state) => state.inspectorWidth);
  const dockOpen = usePanelState((state) => state.dockOpen);
  const dockHeight = usePanelState((state) => state.dockHeight);
  const name = useStudio((state) => state.workspace.document.name);
  const isOver = useWindowDrop();
  useColorScheme();
  useToasts();
  useWatch();
  useWindowKeys();
  useEffect(() => void loadTheRest(), []);
  useEffect(() => {
    document.title = `${name} – Micro-CDN Studio`;
  }, [name]);
  return (
    <>
      <Toolbar onSearch={spotlight.open} recorder={<Recorder />} banner={<FaultBanner />} />
      <main className={css.middle}>
        <Palette />
        <Topology welcome={<Welcome />} guide={<Guide />} breakItems={FaultMenu} />
        {inspectorOpen && (
          <>
            <Splitter
              label="Width of the inspector"
              orientation="vertical"
              grows="left"
              value={inspectorWidth}
              min={300}
              max={760}
              onChange={(width) => panel.patch({ inspectorWidth: width })}
            />
            <Inspector tabs={inspectorTabs} linkParts={LinkFaults} selectionParts={SelectionFaults} />
          </>
        )}
      </main>
      {dockOpen ? (
        <Splitter
          label="Height of the dock"
          orientation="horizontal"
          grows="up"
          value={dockHeight}
          min={120}
          max={Math.max(160, window.innerHeight - 320)}
          onChange={(height) => panel.patch({ dockHeight: height })}
        />
      ) : (
        <div className={css.line} />
      )}
      <Dock panels={dockPanels} />
      {isOver && <div className={css.dropHint}>Drop on a content server, or anywhere to choose one</div>}
      <Search panels={dockPanels} />
      <Dialogs settings={(onClose) => <SettingsDialog onClose={onClose} />} />
    </>
  );
}

function useColorScheme(): void {
  const chosen = useStudio((state) => state.settings.theme);
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => setColorScheme(chosen === 'system' ? 'auto' : chosen), [chosen, setColorScheme]);
}

/** Outcomes that the core tells, once each. */
function useToasts(): void {
  const notices = useStudio((state) => state.notices);
  const shown = useRef(notices.at(-1)?.id ?? -1);
  useEffect(() => {
    for (const notice of notices) {
      if (notice.id <= shown.current) continue;
      shown.current = notice.id;
      notify(notice);
    }
  }, [notices]);
}

/** Tells the core what is looked at, whenever that changes. */
function useWatch(): void {
  const { client } = useStudioParts();
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const listener = (): void => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', listener);
    return () => document.removeEventListener('visibilitychange', listener);
  }, []);
  const specs = useStudio((state) => state.specs);
  const ids = [...specs.keys()];
  const watch = JSON.stringify(usePanelState((state) => watchOf(state, ids, visible), sameJson));
  useEffect(() => tellWatch(client.transport, JSON.parse(watch)), [client, watch]);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Files may be dropped anywhere: the page never navigates to them, and the panel asks which server. */
function useWindowDrop(): boolean {
  const { uploads } = useStudioParts();
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const over = (event: DragEvent): void => {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      setOver(true);
      // No event tells reliably that a drag has left the window; dragover comes several times a second.
      clearTimeout(timer);
      timer = setTimeout(() => setOver(false), 400);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      if (event.defaultPrevented || !event.dataTransfer || !carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      void uploads.take(event.dataTransfer);
    };
    addEventListener('dragover', over, true);
    addEventListener('drop', drop);
    return () => {
      clearTimeout(timer);
      removeEventListener('dragover', over, true);
      removeEventListener('drop', drop);
    };
  }, [uploads]);
  return isOver;
}
