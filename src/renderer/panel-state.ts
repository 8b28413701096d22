/** What the panel itself remembers: selection, open parts, sizes. Sizes and tabs survive a reload, locally. */
import type { RecordingRow } from '../contract/recording';
import { Store } from './store';

export type Dialog =
  | { kind: 'download'; name?: string; client?: string }
  | { kind: 'choose-server'; files: DroppedFiles }
  | { kind: 'rename-node'; node: string }
  | { kind: 'new-workspace' }
  | { kind: 'open-workspace' }
  | { kind: 'confirm-open'; path: string; name: string }
  | { kind: 'rename-workspace' }
  | { kind: 'rename-recording'; recording: RecordingRow }
  | { kind: 'delete-recording'; recording: RecordingRow }
  | { kind: 'settings' }
  | { kind: 'shortcuts' };

/** Files that a person gave: the browser's objects, or paths where the shell has paths. */
export type DroppedFiles = { files: { name: string; file: File }[] } | { paths: string[] };

/** Edited values by field; fields that are not in it are as saved. */
export type Draft = Readonly<Record<string, unknown>>;

/** What a download asked of an index. */
export interface Lookup {
  /** The node. */
  index: string;
  fileName: string;
  /** Unix ms. */
  at: number;
  /** The server that the download reads from, once that is known. */
  serverId?: string;
}

export interface PanelState {
  /** Ids of selected nodes; outside addresses are `outside:<host>:<port>`. */
  selection: readonly string[];
  /** The selected link between two nodes, as `<from> <to>`; never together with nodes. */
  selectedLink: string | null;
  view: 'canvas' | 'table';
  paletteOpen: boolean;
  inspectorOpen: boolean;
  inspectorWidth: number;
  inspectorTab: string;
  dockOpen: boolean;
  dockHeight: number;
  dockTab: string;
  dialog: Dialog | null;
  /** Settings that were edited and not applied yet: edited values by field, by node. */
  drafts: Readonly<Record<string, Draft>>;
  /** The journal entry whose causes and effects are shown. */
  journalEntry: number | null;
  /** The lookup whose decision was asked for; null: the newest ones are shown. */
  lookup: Lookup | null;
  /** Nodes that the message view is narrowed to; empty: all. */
  messageNodes: readonly string[];
  /** Asks the canvas to show this node, once. */
  reveal: { node: string; request: number } | null;
  /** Steps of the guided tour, per workspace file; see `features/welcome`. */
  guideHidden: readonly string[];
}

const remembered = [
  'view',
  'paletteOpen',
  'inspectorOpen',
  'inspectorWidth',
  'inspectorTab',
  'dockOpen',
  'dockHeight',
  'dockTab',
  'guideHidden',
] as const satisfies readonly (keyof PanelState)[];

const initial: PanelState = {
  selection: [],
  selectedLink: null,
  view: 'canvas',
  paletteOpen: true,
  inspectorOpen: true,
  inspectorWidth: 380,
  inspectorTab: 'overview',
  dockOpen: true,
  dockHeight: 232,
  dockTab: 'transfers',
  dialog: null,
  drafts: {},
  journalEntry: null,
  lookup: null,
  messageNodes: [],
  reveal: null,
  guideHidden: [],
};

const storageKey = 'micro-cdn-studio.layout';

/** Storage may be full, forbidden or edited by hand: then the panel starts with its defaults. */
export function createPanelStore(storage: Pick<Storage, 'getItem' | 'setItem'>): PanelStore {
  const store = new PanelStore({ ...initial, ...restore(storage) });
  let saved = '';
  store.subscribe(() => {
    const state = store.get();
    const text = JSON.stringify(Object.fromEntries(remembered.map((key) => [key, state[key]])));
    if (text === saved) return;
    saved = text;
    try {
      storage.setItem(storageKey, text);
    } catch {
      // The layout is a convenience; the panel works without it.
    }
  });
  return store;
}

function restore(storage: Pick<Storage, 'getItem'>): Partial<PanelState> {
  try {
    const value: unknown = JSON.parse(storage.getItem(storageKey) ?? '{}');
    if (typeof value !== 'object' || value === null) return {};
    const known = Object.entries(value).filter(
      ([key, item]) =>
        (remembered as readonly string[]).includes(key) &&
        typeof item === typeof initial[key as keyof PanelState] &&
        Array.isArray(item) === Array.isArray(initial[key as keyof PanelState]),
    );
    return Object.fromEntries(known);
  } catch {
    return {};
  }
}

export class PanelStore extends Store<PanelState> {
  patch(change: Partial<PanelState>): void {
    this.set({ ...this.get(), ...change });
  }

  select(nodes: readonly string[]): void {
    this.patch({ selection: nodes, selectedLink: null });
  }

  /** Selects a node and brings it into view, wherever the click was. */
  show(node: string): void {
    const request = (this.get().reveal?.request ?? 0) + 1;
    this.patch({ selection: [node], selectedLink: null, reveal: { node, request }, inspectorOpen: true });
  }

  open(dialog: Dialog): void {
    this.patch({ dialog });
  }

  /** Keeps what was edited and not applied; an empty draft is none. */
  keepDraft(node: string, draft: Draft): void {
    const { [node]: _former, ...others } = this.get().drafts;
    this.patch({ drafts: Object.keys(draft).length > 0 ? { ...others, [node]: draft } : others });
  }

  openDock(dockTab: string): void {
    this.patch({ dockTab, dockOpen: true });
  }

  openInspector(inspectorTab: string): void {
    this.patch({ inspectorTab, inspectorOpen: true });
  }
}
