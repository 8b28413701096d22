/** The network as a picture. The table beside it (`node-table.tsx`) has the same actions. */
import {
  Background,
  type Edge,
  MiniMap,
  type Node,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStoreApi,
} from '@xyflow/react';
import {
  type CSSProperties,
  type DragEvent,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { linkMarks } from '../../fault-links';
import { graphOf, isOutside, linkTitle, sameGraph } from '../../graph';
import { kindMime } from '../../kind-drag';
import { cardSize, gridStep, type Point } from '../../layout';
import { useNodeCommands } from '../../node-actions';
import { stateIn, type Tone, tones } from '../../node-state';
import { sameValues } from '../../store';
import { usePanel, usePanelState, useStudio, useStudioParts } from '../../studio-context';
import { pointOf } from '../../ui/data-table';
import { useReducedMotion } from '../../ui/use-reduced-motion';
import { carriesFiles } from '../../uploads/dropped';
import css from './canvas.module.css';
import { CanvasControls } from './canvas-controls';
import { useFar } from './far';
import { mapAbove, useFitting } from './fitting';
import { LinkEdge, linkAttributes } from './link-edge';
import type { MenuTarget } from './menus';
import { NodeCard } from './node-card';
import { OutsideCard, outsideSize } from './outside-card';
import { TrafficOverlay } from './traffic-overlay';
import { useCanvasKeys } from './use-canvas-keys';

const nodeTypes = { node: NodeCard, outside: OutsideCard };
const edgeTypes = { link: LinkEdge };
/** Above this, only what is in view is in the document. */
const virtualAbove = 300;
/** More links than this would cover the picture if each were drawn strongly. */
const denseAbove = 60;
/** Above this, links show their labels only when selected. */
const labelsUpTo = 16;

export function Canvas(props: { onMenu: (target: MenuTarget) => void; children?: ReactNode }) {
  return (
    <ReactFlowProvider>
      <Picture {...props} />
    </ReactFlowProvider>
  );
}

function Picture({ onMenu, children }: { onMenu: (target: MenuTarget) => void; children?: ReactNode }) {
  const { store, uploads } = useStudioParts();
  const panel = usePanel();
  const flow = useReactFlow();
  const commands = useNodeCommands();
  const reducedMotion = useReducedMotion();
  const moving = useStudio((state) => state.settings.animate) && !reducedMotion;
  const [areaTool, setAreaTool] = useState(false);
  const { nodes, setDragged } = useFlowNodes();
  const edges = useFlowEdges();
  const selectedLink = usePanelState((state) => state.selectedLink);
  const element = useRef<HTMLDivElement>(null);
  const far = useFar();
  const fitView = useFitting(nodes.length);
  const onKeyDown = useCanvasKeys(onMenu, fitView);
  useReveal(element, moving);

  const onNodesChange = (changes: NodeChange[]): void => {
    const selection = new Set(panel.get().selection);
    let selects = false;
    for (const change of changes) {
      if (change.type === 'position' && change.position && change.dragging)
        setDragged(change.id, change.position);
      if (change.type === 'select') {
        selects = true;
        if (change.selected) selection.add(change.id);
        else selection.delete(change.id);
      }
    }
    if (selects) panel.select([...selection]);
  };

  const onDragStop = (_event: unknown, _node: Node, moved: Node[]): void => {
    const specs = store.get()?.specs;
    const positions = moved
      .filter(({ id, position }) => {
        const before = specs?.get(id)?.position;
        return before && (before.x !== position.x || before.y !== position.y);
      })
      .map(({ id, position }) => [id, position] as const);
    if (positions.length === 0) return;
    void commands.move(Object.fromEntries(positions)).then((done) => done || setDragged(null));
  };

  const onDragOver = (event: DragEvent): void => {
    const kind = event.dataTransfer.types.includes(kindMime);
    if (!kind && !carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = 'copy';
  };

  const onDrop = (event: DragEvent): void => {
    const kind = event.dataTransfer.getData(kindMime);
    if (kind) {
      const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      void commands.add(kind, centredAt(at));
    } else if (carriesFiles(event.dataTransfer)) void uploads.take(event.dataTransfer);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the nodes inside, which have roles.
    <div
      ref={element}
      data-far={far.level}
      data-dense={edges.length > denseAbove || undefined}
      style={{ '--far-scale': far.scale } as CSSProperties}
      className={css.canvas}
      onKeyDown={onKeyDown}
      onDragOver={onDragOver}
      onDrop={onDrop}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onNodeDragStop={onDragStop}
        onSelectionDragStop={(event, moved) => moved[0] && onDragStop(event, moved[0], moved)}
        onNodeContextMenu={(event, node) => {
          event.preventDefault();
          if (node.type === 'outside') return;
          if (!panel.get().selection.includes(node.id)) panel.select([node.id]);
          onMenu({ at: pointOf(event), nodes: panel.get().selection });
        }}
        onSelectionContextMenu={(event) => {
          event.preventDefault();
          onMenu({ at: pointOf(event), nodes: panel.get().selection });
        }}
        onEdgeContextMenu={(event, edge) => {
          event.preventDefault();
          panel.patch({ selection: [], selectedLink: edge.id });
          const at = { x: event.clientX, y: event.clientY };
          const place = centredAt(flow.screenToFlowPosition(at));
          onMenu({ at, nodes: [], link: edge.id, place });
        }}
        onPaneContextMenu={(event) => {
          event.preventDefault();
          const at = { x: event.clientX, y: event.clientY };
          onMenu({ at, nodes: [], place: centredAt(flow.screenToFlowPosition(at)) });
        }}
        onEdgeClick={(_event, edge) =>
          panel.patch({ selection: [], selectedLink: edge.id, inspectorOpen: true })
        }
        onPaneClick={() => (panel.get().selection.length > 0 || selectedLink) && panel.select([])}
        onNodeDoubleClick={() => panel.patch({ inspectorOpen: true })}
        selectionOnDrag={areaTool}
        panOnDrag={areaTool ? [1] : [0, 1]}
        multiSelectionKeyCode={['Control', 'Meta', 'Shift']}
        deleteKeyCode={null}
        disableKeyboardA11y
        nodesFocusable={false}
        edgesFocusable={false}
        nodesConnectable={false}
        snapToGrid
        snapGrid={[gridStep, gridStep]}
        onlyRenderVisibleElements={nodes.length > virtualAbove}
        elevateNodesOnSelect={false}
        zoomOnDoubleClick={false}
        onMoveStart={(event) => setPanning(element.current, event !== null && event.type !== 'wheel')}
        onMoveEnd={() => setPanning(element.current, false)}
        minZoom={0.08}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        aria-label="Network"
      >
        <Background gap={24} size={1.5} color="var(--dots)" bgColor="var(--canvas)" />
        <TrafficOverlay moving={moving} />
        {nodes.length > mapAbove && (
          <MiniMap<FlowNode>
            className={css.minimap ?? ''}
            pannable
            zoomable
            ariaLabel="Overview map"
            nodeColor={(node) => `var(--${node.data.tone ?? 'idle'})`}
            nodeBorderRadius={24}
            bgColor="var(--panel)"
            maskColor="color-mix(in srgb, var(--canvas) 65%, transparent)"
          />
        )}
        <CanvasControls areaTool={areaTool} onAreaTool={setAreaTool} fitView={fitView} />
      </ReactFlow>
      {children}
    </div>
  );
}

/** While it is pushed, the picture is one layer that is drawn once and moved: see the style sheet. */
function setPanning(canvas: HTMLElement | null, panning: boolean): void {
  canvas?.toggleAttribute('data-panning', panning);
}

function centredAt({ x, y }: Point): Point {
  const snap = (value: number): number => Math.round(value / gridStep) * gridStep;
  return { x: snap(x - cardSize.width / 2), y: snap(y - cardSize.height / 2) };
}

type FlowNode = Node<{ tone?: Tone; label?: string; address?: string }>;

/** Nodes for React Flow; an object stays the same as long as nothing about its node changed. */
function useFlowNodes() {
  const specs = useStudio((state) => state.specs);
  const tonesById = useStudio(
    (state) => Object.fromEntries([...state.specs.keys()].map((id) => [id, tones[stateIn(state, id)]])),
    sameValues,
  );
  const graph = useStudio(graphOf, sameGraph);
  const selection = usePanelState((state) => state.selection);
  const [dragged, setDraggedState] = useState<Dragged>({});
  const cache = useRef(new Map<string, FlowNode>());

  // The answer to a move may come before the document does; until then the node stays where it was put.
  useEffect(() => setDraggedState((old) => withoutArrived(old, specs)), [specs]);

  const nodes = useMemo(() => {
    const selected = new Set(selection);
    const next = new Map<string, FlowNode>();
    const put = (id: string, position: Point, make: () => Partial<FlowNode>, tone?: Tone): void => {
      const old = cache.current.get(id);
      const same =
        old &&
        old.position.x === position.x &&
        old.position.y === position.y &&
        old.selected === selected.has(id) &&
        old.data.tone === tone;
      next.set(id, same ? old : ({ id, position, selected: selected.has(id), ...make() } as FlowNode));
    };
    for (const spec of specs.values()) {
      const tone = tonesById[spec.id] ?? 'idle';
      put(
        spec.id,
        dragged[spec.id] ?? spec.position,
        () => ({ type: 'node', ...cardSize, measured: cardSize, data: { tone } }),
        tone,
      );
    }
    graph.outside.forEach((node, i) => {
      put(node.id, dragged[node.id] ?? besideOthers(i, specs), () => ({
        type: 'outside',
        ...outsideSize,
        measured: outsideSize,
        data: { label: node.label, address: node.address },
      }));
    });
    cache.current = next;
    return [...next.values()];
  }, [specs, tonesById, graph, selection, dragged]);

  return {
    nodes,
    /** Where a node is while it is dragged; null when the drag came to nothing. */
    setDragged(id: string | null, position?: Point): void {
      setDraggedState((old) => (id && position ? { ...old, [id]: position } : keepOutside(old)));
    },
  };
}

type Dragged = Readonly<Record<string, Point>>;

/** Outside programs are in no document: where they were put is kept as long as the canvas is open. */
function keepOutside(dragged: Dragged): Dragged {
  return Object.fromEntries(Object.entries(dragged).filter(([id]) => isOutside(id)));
}

function withoutArrived(dragged: Dragged, specs: ReadonlyMap<string, { position: Point }>): Dragged {
  const waiting = Object.entries(dragged).filter(([id, { x, y }]) => {
    const saved = specs.get(id)?.position;
    return isOutside(id) || (saved && (saved.x !== x || saved.y !== y));
  });
  return waiting.length === Object.keys(dragged).length ? dragged : Object.fromEntries(waiting);
}

/** Outside programs stand in a row below everything, in the order in which they became known. */
function besideOthers(index: number, specs: ReadonlyMap<string, { position: Point }>): Point {
  const positions = [...specs.values()].map((spec) => spec.position);
  const left = Math.min(0, ...positions.map(({ x }) => x));
  const bottom = Math.max(0, ...positions.map(({ y }) => y));
  return { x: left + index * (outsideSize.width + 40), y: bottom + cardSize.height + 64 };
}

function useFlowEdges(): Edge[] {
  const graph = useStudio(graphOf, sameGraph);
  const faults = useStudio((state) => state.faults);
  const marks = useMemo(() => linkMarks(faults), [faults]);
  const specs = useStudio((state) => state.specs);
  const selectedLink = usePanelState((state) => state.selectedLink);
  const selectedNode = usePanelState((state) => state.selection[0]);
  return useMemo(() => {
    // One tab stop for all links: what is selected, else a link of the selected node.
    const tabStop =
      graph.links.find(({ id }) => id === selectedLink) ??
      graph.links.find(({ source, target }) => source === selectedNode || target === selectedNode) ??
      graph.links[0];
    return graph.links.map((link) => {
      const mark = marks.get(link.id);
      return {
        id: link.id,
        source: link.source,
        target: link.target,
        type: 'link',
        selected: link.id === selectedLink,
        ...linkAttributes({
          id: link.id,
          title: linkTitle(link, graph, specs),
          description: mark?.title,
          isSelected: link.id === selectedLink,
          isTabStop: link === tabStop,
        }),
        data: {
          label: link.roles.join(', '),
          transient: link.transient,
          showLabel: graph.links.length <= labelsUpTo,
          mark,
        },
      };
    });
  }, [graph, specs, selectedLink, selectedNode, marks]);
}

/** Brings the node that was asked for into view and gives it the keyboard. */
function useReveal(element: React.RefObject<HTMLDivElement | null>, moving: boolean): void {
  const reveal = usePanelState((state) => state.reveal);
  const flow = useReactFlow();
  const api = useStoreApi();
  const { store } = useStudioParts();
  const done = useRef(reveal?.request ?? 0);
  const saved = useStudio((state) => (reveal ? state.specs.get(reveal.node)?.position : undefined));
  // Outside programs are in no document.
  const position =
    saved ?? (reveal && isOutside(reveal.node) ? flow.getNode(reveal.node)?.position : undefined);
  useEffect(() => {
    if (!reveal || reveal.request === done.current || !position || !store.get()) return;
    done.current = reveal.request;
    const { transform, width, height } = api.getState();
    const [x, y, zoom] = transform;
    const left = position.x * zoom + x;
    const top = position.y * zoom + y;
    const inView =
      left >= 0 &&
      top >= 0 &&
      left + cardSize.width * zoom <= width &&
      top + cardSize.height * zoom <= height;
    if (!inView)
      void flow.setCenter(position.x + cardSize.width / 2, position.y + cardSize.height / 2, {
        zoom: Math.max(zoom, 0.6),
        duration: moving ? 250 : 0,
      });
    const focus = (): void =>
      element.current
        ?.querySelector<HTMLElement>(`[data-node="${reveal.node}"]`)
        ?.focus({ preventScroll: true });
    const timer = setTimeout(focus, inView ? 0 : moving ? 300 : 50);
    // What a person turns to while the view moves keeps the keyboard: a list that was opened would close.
    const leave = (): void => clearTimeout(timer);
    window.addEventListener('pointerdown', leave, { capture: true, once: true });
    return () => {
      window.removeEventListener('pointerdown', leave, { capture: true });
      clearTimeout(timer);
    };
  }, [reveal, position, flow, api, element, store, moving]);
}
