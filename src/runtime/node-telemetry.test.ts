import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromNode } from '../contract/node-port';
import { FlowMeter } from './flow-meter';
import { NodeTelemetrySender } from './node-telemetry';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function watched(visible: boolean) {
  const sent: FromNode[] = [];
  const sender = new NodeTelemetrySender((message) => sent.push(message), new FlowMeter(), {
    visible,
    messages: false,
  });
  const latencies = () =>
    sent.flatMap((message) => (message.type === 'telemetry' ? (message.telemetry.latencies ?? []) : []));
  return { sender, latencies };
}

describe('the latencies of a node', () => {
  it('are counted while somebody looks', () => {
    const { sender, latencies } = watched(true);
    const asked = sender.telemetry.asked();
    vi.advanceTimersByTime(20);
    sender.telemetry.answered(asked);
    sender.flush();
    expect(latencies().reduce((sum, count) => sum + count, 0)).toBe(1);
    sender.close();
  });

  it('are not timed while nobody does', () => {
    const { sender, latencies } = watched(false);
    expect(sender.telemetry.asked()).toBeUndefined();
    sender.telemetry.answered(undefined);
    sender.flush();
    expect(latencies()).toEqual([]);
    sender.close();
  });
});
