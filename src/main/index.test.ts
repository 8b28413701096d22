/** The whole Electron shell over a real core, against a fake Electron: from the start to the end. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MenuItemConstructorOptions } from 'electron';
import * as electron from 'electron';
import { expect, it, vi } from 'vitest';
import { channels, type Reply } from '../contract/bridge';
import { FakeWindow, type fakeElectron } from './testing/fake-electron';

vi.mock('electron', async () => (await import('./testing/fake-electron')).fakeElectron());
const fake = electron as unknown as ReturnType<typeof fakeElectron>;

it('opens one window over the core, brings it back when asked, and saves before it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'micro-cdn-electron-'));
  vi.stubEnv('MICRO_CDN_DATA', folder);
  await import('./index');
  // Before the lock is asked for, which is in that folder.
  expect(fake.app.setPath).toHaveBeenCalledWith('userData', join(folder, 'electron'));
  expect(fake.app.setPath.mock.invocationCallOrder[0]).toBeLessThan(
    fake.app.requestSingleInstanceLock.mock.invocationCallOrder[0] as number,
  );
  const window = await vi.waitUntil(() => FakeWindow.last);
  expect(fake.app.enableSandbox).toHaveBeenCalled();

  fake.app.emit('second-instance');
  expect(FakeWindow.getAllWindows()).toEqual([window]);
  expect(window.focus).toHaveBeenCalled();
  window.close();
  fake.app.emit('activate');
  expect(FakeWindow.getAllWindows()).toHaveLength(1);
  expect(FakeWindow.last).not.toBe(window);

  const { webContents } = FakeWindow.last as FakeWindow;
  const event = { sender: webContents, senderFrame: webContents.mainFrame };
  const command = { type: 'add-node', kind: 'index-server' };
  const call = fake.ipcMain.handlers.get(channels.call);
  const reply = (await call?.(event, 'workspace.apply', { command })) as Reply;
  expect(reply).toEqual({ ok: { ids: ['index1'] } });

  // A menu that opened by itself would stop running nodes unasked: the panel's dialog says so first.
  const menu = fake.Menu.setApplicationMenu.mock.calls[0]?.[0] as MenuItemConstructorOptions[];
  const entries = menu.flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : []));
  const open = entries.find(({ label }) => label === 'Open workspace…')?.click as () => void;
  open();
  expect(webContents.send).toHaveBeenCalledWith(channels.menu, 'open-workspace');
  expect((FakeWindow.last as FakeWindow).focus).toHaveBeenCalled();

  fake.app.emit('window-all-closed');
  expect(fake.app.quit).toHaveBeenCalledTimes(1);
  const quit = { preventDefault: vi.fn() };
  fake.app.emit('before-quit', quit);
  expect(quit.preventDefault).toHaveBeenCalled();
  await vi.waitUntil(() => fake.app.quit.mock.calls.length === 2);
  expect(existsSync(join(folder, 'settings.json'))).toBe(true);
  const again = { preventDefault: vi.fn() };
  fake.app.emit('before-quit', again);
  expect(again.preventDefault).not.toHaveBeenCalled();
  rmSync(folder, { recursive: true });
});
