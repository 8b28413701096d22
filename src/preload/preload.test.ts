/** What the preload exposes, against a fake of Electron's renderer side. */
import { expect, it, vi } from 'vitest';
import { channels, type StudioBridge } from '../contract/bridge';

const fake = vi.hoisted(() => {
  const listeners = new Map<string, (event: unknown, ...args: unknown[]) => void>();
  return {
    listeners,
    exposed: {} as Record<string, unknown>,
    ipcRenderer: {
      invoke: vi.fn(
        async (_channel: string, name: string, input: unknown): Promise<unknown> => ({ ok: [name, input] }),
      ),
      send: vi.fn(),
      on: vi.fn((channel: string, listener: () => void) => void listeners.set(channel, listener)),
      off: vi.fn((channel: string) => void listeners.delete(channel)),
    },
    webUtils: { getPathForFile: vi.fn(() => '/tmp/hello.txt') },
    contextBridge: {
      exposeInMainWorld(name: string, value: unknown) {
        fake.exposed[name] = value;
      },
    },
  };
});
vi.mock('electron', () => fake);

it('exposes calls, events and paths of dropped files, and nothing of Electron', async () => {
  await import('./index');
  expect(Object.keys(fake.exposed)).toEqual(['studio']);
  const studio = fake.exposed.studio as StudioBridge;
  expect(Object.keys(studio).sort()).toEqual(['invoke', 'onMenu', 'pathForFile', 'subscribe']);

  expect(await studio.invoke('workspace.undo', {})).toEqual({ ok: ['workspace.undo', {}] });
  expect(fake.ipcRenderer.invoke).toHaveBeenCalledWith(channels.call, 'workspace.undo', {});
  fake.ipcRenderer.invoke.mockRejectedValueOnce(new Error('gone'));
  expect(await studio.invoke('workspace.undo', {})).toMatchObject({ error: { code: 'DISCONNECTED' } });

  const heard = vi.fn();
  const stop = studio.subscribe(heard);
  expect(fake.ipcRenderer.send).toHaveBeenCalledWith(channels.subscribe);
  fake.listeners.get(channels.batch)?.({ sender: 'an Electron object' }, { seq: 1, events: [] });
  expect(heard.mock.calls).toEqual([[{ seq: 1, events: [] }]]);
  stop();
  const chosen = vi.fn();
  const close = studio.onMenu(chosen);
  fake.listeners.get(channels.menu)?.({ sender: 'an Electron object' }, 'open-workspace');
  expect(chosen.mock.calls).toEqual([['open-workspace']]);
  close();
  expect(fake.listeners.size).toBe(0);

  expect(studio.pathForFile({})).toBe('/tmp/hello.txt');
});
