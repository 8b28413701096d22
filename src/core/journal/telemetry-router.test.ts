import { describe, expect, it, vi } from 'vitest';
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import type { AddressBook } from '../supervisor/address-book';
import type { Journal } from './journal';
import { NodeRecords } from './node-records';
import { TelemetryRouter } from './telemetry-router';

describe("a node's log", () => {
  it('holds what it wrote and what happened to it, in the order of time', () => {
    const hub = { push: vi.fn() } as unknown as EventHub;
    const records = new NodeRecords(hub);
    const journal = { add: vi.fn() } as unknown as Journal;
    const router = new TelemetryRouter({ hub, journal, records, addresses: () => ({}) as AddressBook });
    router.route({ id: 'cs1' } as NodeSpec, {
      logs: [{ at: 2, level: 'warn', text: 'The folder is large.' }],
      events: [
        { at: 3, type: 'transfer-aborted', text: 'A client vanished.', level: 'bad' },
        { at: 1, type: 'registered', text: 'Registered.', level: 'good' },
      ],
    });
    expect(records.logs('cs1', 10)).toMatchObject([
      { at: 1, level: 'info', text: 'Registered.' },
      { at: 2, level: 'warn', text: 'The folder is large.' },
      { at: 3, level: 'error', text: 'A client vanished.' },
    ]);
    expect(journal.add).toHaveBeenCalledTimes(2);
  });
});
