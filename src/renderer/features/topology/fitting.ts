/** Keeps everything in view until the person chooses a view of their own. */
import { type Transform, useReactFlow, useStore, useStoreApi } from '@xyflow/react';
import { useCallback, useEffect, useRef } from 'react';
import { useStudio } from '../../studio-context';

/** A network of more nodes than this has a map. Fewer are seen at a glance anyway. */
export const mapAbove = 12;

/** Leaves room for the bar of next steps (two lines where it is narrow), and for the controls and the map below. */
const fitOptions = (count: number) =>
  ({
    padding: { x: '28px', top: '84px', bottom: count > mapAbove ? '128px' : '60px' },
    maxZoom: 1.15,
  }) as const;

/** Shows everything, now and until the person pans or zooms again. */
export type Fit = () => void;

/**
 * Fits the view when a workspace appears, while it grows and when the canvas changes its size. A view that is
 * no longer what fitting made of it was chosen: by wheel, drag, key, button or map, or by asking for a node.
 */
export function useFitting(count: number): Fit {
  const flow = useReactFlow();
  const api = useStoreApi();
  const path = useStudio((state) => state.workspace.path);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  /** What the last fit resulted in; null before the first and while one is under way. */
  const fitted = useRef<Transform | null>(null);
  const fittedPath = useRef(path);

  const fitView = useCallback(() => {
    fitted.current = null;
    void flow.fitView(fitOptions(count)).then(() => {
      fitted.current = api.getState().transform;
    });
  }, [flow, api, count]);

  useEffect(() => {
    // The pane gets its size after the first nodes.
    if (width === 0 || height === 0 || count === 0) return;
    const isChosen = fitted.current !== null && !isSameView(fitted.current, api.getState().transform);
    if (isChosen && fittedPath.current === path) return;
    fittedPath.current = path;
    const frame = requestAnimationFrame(fitView);
    return () => cancelAnimationFrame(frame);
  }, [path, count, width, height, fitView, api]);

  return fitView;
}

function isSameView(a: Transform, b: Transform): boolean {
  return a.every((value, i) => Math.abs(value - (b[i] ?? 0)) < 1e-6);
}
