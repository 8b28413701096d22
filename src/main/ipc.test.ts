/** The doors between page and core in Electron's shell, against a fake that records. */
import * as electron from 'electron';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { channels, type Reply } from '../contract/bridge';
import { StudioError } from '../contract/errors';
import type { EventBatch, StudioEvent } from '../contract/events';
import { EventHub } from '../core/events/event-hub';
import { connectIpc } from './ipc';
import { quitGracefully } from './quit';
import { followStudio } from './status';
import { FakeContents, type fakeElectron } from './testing/fake-electron';

vi.mock('electron', async () => (await import('./testing/fake-electron')).fakeElectron());
const fake = electron as unknown as ReturnType<typeof fakeElectron>;

function fakeCore() {
  const hub = new EventHub(() => {});
  return {
    hub,
    call: vi.fn(async (name: string, _input: unknown): Promise<unknown> => {
      if (name === 'nodes.start') throw new StudioError('EADDRINUSE', 'Port 5050 is in use.', 'Use 5051.');
      return name === 'studio.snapshot' ? { nodes: [{ id: 'a', phase: 'running' }] } : 'done';
    }),
    openSession: vi.fn((options: Parameters<EventHub['open']>[0]) => hub.open(options)),
    close: vi.fn(async () => {}),
    closeNow: vi.fn(async () => {}),
  };
}

const eventFrom = (contents: FakeContents, frame: unknown = contents.mainFrame) => ({
  sender: contents,
  senderFrame: frame,
});

describe('calls over IPC', () => {
  let core: ReturnType<typeof fakeCore>;
  let contents: FakeContents;
  const call = (event: unknown, name: unknown, input: unknown): Promise<Reply> =>
    fake.ipcMain.handlers.get(channels.call)?.(event, name, input) as Promise<Reply>;

  beforeEach(() => {
    fake.ipcMain.removeAllListeners();
    core = fakeCore();
    contents = new FakeContents();
    connectIpc(core as never);
  });

  it('reach the core with the session of their page', async () => {
    expect(await call(eventFrom(contents), 'workspace.undo', {})).toEqual({ ok: 'done' });
    expect(await call(eventFrom(contents), 'workspace.redo', {})).toEqual({ ok: 'done' });
    expect(core.openSession).toHaveBeenCalledTimes(1);
    expect(core.call).toHaveBeenCalledWith('workspace.undo', {}, expect.anything());
  });

  it('bring errors back whole', async () => {
    expect(await call(eventFrom(contents), 'nodes.start', { ids: ['a'] })).toEqual({
      error: { code: 'EADDRINUSE', message: 'Port 5050 is in use.', hint: 'Use 5051.' },
    });
  });

  it('are refused from any frame that is not our own page', async () => {
    for (const frame of [null, { url: 'studio://panel/index.html' }, { url: 'https://example.org/' }]) {
      expect(await call(eventFrom(contents, frame), 'workspace.undo', {})).toMatchObject({
        error: { code: 'FORBIDDEN' },
      });
      fake.ipcMain.emit(channels.subscribe, eventFrom(contents, frame));
    }
    expect(core.call).not.toHaveBeenCalled();
    expect(core.openSession).not.toHaveBeenCalled();
  });

  it('push batches to a page that subscribed, until it is gone', async () => {
    fake.ipcMain.emit(channels.subscribe, eventFrom(contents));
    core.hub.notice('good', 'Saved');
    await vi.waitFor(() => expect(contents.send).toHaveBeenCalledTimes(1));
    const [channel, batch] = contents.send.mock.calls[0] as [string, EventBatch];
    expect(channel).toBe(channels.batch);
    expect(batch).toMatchObject({ seq: 1, events: [{ type: 'notice', notice: { title: 'Saved' } }] });
    contents.emit('destroyed');
    core.hub.notice('good', 'Nobody hears this');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(contents.send).toHaveBeenCalledTimes(1);
  });
});

describe('tray and taskbar', () => {
  it('follow nodes and transfers without taking the notices that a person should see', async () => {
    const core = fakeCore();
    core.hub.notice('warning', 'The backup was used');
    const seen: unknown[] = [];
    followStudio(core as never).onChange((status) => seen.push(status));
    await vi.waitFor(() => expect(seen).toEqual([{ running: 1, total: 1, progress: -1 }]));
    core.hub.push({ type: 'node', node: { id: 'b', phase: 'stopped' } } as StudioEvent);
    core.hub.push({
      type: 'transfer',
      transfer: { id: 't', phase: 'running', bytes: 1, size: 4 },
    } as StudioEvent);
    await vi.waitFor(() => expect(seen.at(-1)).toEqual({ running: 1, total: 2, progress: 0.25 }));
    const panel = vi.fn();
    core.hub.open({ onBatch: panel }).snapshotTaken();
    await vi.waitFor(() => expect(JSON.stringify(panel.mock.calls)).toContain('The backup was used'));
  });
});

describe('quitting', () => {
  afterEach(() => void vi.useRealTimers());

  it('waits for the core, once, then quits', async () => {
    fake.app.removeAllListeners();
    const core = fakeCore();
    let closed: () => void = () => {};
    core.close.mockImplementation(
      () =>
        new Promise((resolve) => {
          closed = resolve;
        }),
    );
    quitGracefully(core);
    const quit = { preventDefault: vi.fn() };
    fake.app.emit('before-quit', quit);
    fake.app.emit('before-quit', quit);
    expect(quit.preventDefault).toHaveBeenCalledTimes(2);
    expect(core.close).toHaveBeenCalledTimes(1);
    expect(fake.app.quit).not.toHaveBeenCalled();
    closed();
    await vi.waitFor(() => expect(fake.app.quit).toHaveBeenCalledTimes(1));
    const again = { preventDefault: vi.fn() };
    fake.app.emit('before-quit', again);
    expect(again.preventDefault).not.toHaveBeenCalled();
  });

  it('asks again whoever goes on waiting, until they force it', async () => {
    vi.useFakeTimers();
    fake.app.removeAllListeners();
    fake.app.quit.mockClear();
    const core = fakeCore();
    const forced = new Promise<void>((resolve) => core.closeNow.mockImplementation(async () => resolve()));
    core.close.mockReturnValue(forced);
    const [force, wait] = [{ response: 0 }, { response: 1 }];
    fake.dialog.showMessageBox.mockReset();
    fake.dialog.showMessageBox
      .mockResolvedValueOnce(wait)
      .mockResolvedValueOnce(wait)
      .mockResolvedValue(force);
    quitGracefully(core);
    fake.app.emit('before-quit', { preventDefault: vi.fn() });
    await vi.runAllTimersAsync();
    expect(fake.dialog.showMessageBox).toHaveBeenCalledTimes(3);
    expect(core.closeNow).toHaveBeenCalledTimes(1);
    expect(fake.app.quit).toHaveBeenCalledTimes(1);
  });
});
