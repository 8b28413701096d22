/** Zoom, fit, automatic layout, selection tool and legend. */
import { ActionIcon, Divider, Menu, Popover, Tooltip } from '@mantine/core';
import {
  IconInfoCircle,
  IconLayoutDistributeVertical,
  IconMarquee2,
  IconMaximize,
  IconMinus,
  IconPlus,
} from '@tabler/icons-react';
import { Panel, useReactFlow, useViewport } from '@xyflow/react';
import type { NodeSpec } from '../../../contract/workspace';
import { forceLayout } from '../../force-layout';
import { type Point, tierLayout } from '../../layout';
import { useNodeCommands } from '../../node-actions';
import { useStudio, useStudioParts } from '../../studio-context';
import { asPicture, ExportButton } from '../../ui/export-button';
import { StatusGlyph, stateLabels } from '../../ui/status';
import css from './canvas.module.css';
import type { Fit } from './fitting';
import { legend } from './particles';
import { topologySvg } from './topology-svg';

export function CanvasControls({
  areaTool,
  onAreaTool,
  fitView,
}: {
  areaTool: boolean;
  onAreaTool: (on: boolean) => void;
  fitView: Fit;
}) {
  const flow = useReactFlow();
  const { zoom } = useViewport();
  const arrange = useArrange(fitView);
  return (
    <Panel position="bottom-left" style={{ margin: 0 }}>
      <div role="toolbar" aria-label="Canvas" className={css.controls}>
        <Tooltip label="Zoom out (−)">
          <ActionIcon aria-label="Zoom out" onClick={() => void flow.zoomOut()}>
            <IconMinus size={15} />
          </ActionIcon>
        </Tooltip>
        <span className={css.zoom}>{Math.round(zoom * 100)} %</span>
        <Tooltip label="Zoom in (+)">
          <ActionIcon aria-label="Zoom in" onClick={() => void flow.zoomIn()}>
            <IconPlus size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Fit everything into view (F)">
          <ActionIcon aria-label="Fit view" onClick={fitView}>
            <IconMaximize size={15} />
          </ActionIcon>
        </Tooltip>
        <Divider orientation="vertical" mx={3} my={5} />
        <Tooltip label="Select by dragging an area (Shift + drag does so too)">
          <ActionIcon
            aria-label="Select area"
            aria-pressed={areaTool}
            variant={areaTool ? 'light' : 'subtle'}
            color={areaTool ? 'iris' : 'gray'}
            onClick={() => onAreaTool(!areaTool)}
          >
            <IconMarquee2 size={15} />
          </ActionIcon>
        </Tooltip>
        <Menu position="top-start">
          <Menu.Target>
            <Tooltip label="Automatic layout (L)">
              <ActionIcon aria-label="Auto-layout">
                <IconLayoutDistributeVertical size={15} />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void arrange(tierLayout)}>Layers, clients on the left</Menu.Item>
            <Menu.Item onClick={() => void arrange(forceLayout)}>By links</Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <TopologyExport />
        <Popover position="top-start" width={210}>
          <Popover.Target>
            <Tooltip label="What the signs mean">
              <ActionIcon aria-label="Legend">
                <IconInfoCircle size={15} />
              </ActionIcon>
            </Tooltip>
          </Popover.Target>
          <Popover.Dropdown aria-label="Legend">
            <Legend />
          </Popover.Dropdown>
        </Popover>
      </div>
    </Panel>
  );
}

/** Nodes are where the canvas has them: those outside are in no document. */
function TopologyExport() {
  const flow = useReactFlow();
  const { store } = useStudioParts();
  const isEmpty = useStudio((state) => state.workspace.document.nodes.length === 0);
  const picture = (): string => {
    const state = store.get();
    const positions = new Map(flow.getNodes().map(({ id, position }) => [id, position]));
    return state ? topologySvg(state, positions) : '';
  };
  return (
    <ExportButton compact what="this picture" disabled={isEmpty} formats={asPicture('topology', picture)} />
  );
}

/** An automatic layout is an edit like any other: undo brings the former places back. */
export function useArrange(
  fitView: Fit,
): (layout: (specs: readonly NodeSpec[]) => Record<string, Point>) => Promise<void> {
  const { store } = useStudioParts();
  const commands = useNodeCommands();
  return async (layout) => {
    const specs = store.get()?.workspace.document.nodes ?? [];
    if (specs.length === 0) return;
    await commands.move(layout(specs));
    requestAnimationFrame(fitView);
  };
}

const states = ['running', 'starting', 'draining', 'hung', 'crashed', 'stopped'] as const;

function Legend() {
  return (
    <div className={css.legend}>
      {states.map((state) => (
        <div key={state} className={css.legendRow}>
          <StatusGlyph state={state} /> {stateLabels[state]}
        </div>
      ))}
      <Divider />
      {legend.map(({ label, shape, token }) => (
        <div key={label} className={css.legendRow}>
          <svg
            width="12"
            height="12"
            viewBox="0 0 12 12"
            aria-hidden="true"
            style={{ color: `var(${token})` }}
          >
            {shape === 'diamond' ? (
              <path d="M6 1.5 10.5 6 6 10.5 1.5 6Z" fill="currentColor" />
            ) : (
              <circle cx="6" cy="6" r="3" fill="currentColor" />
            )}
            {shape === 'pulse' && (
              <circle cx="6" cy="6" r="5" fill="none" stroke="currentColor" strokeOpacity=".5" />
            )}
          </svg>
          {label}
        </div>
      ))}
      <div className={css.legendRow}>Thickness of a stream: bytes per second</div>
    </div>
  );
}
