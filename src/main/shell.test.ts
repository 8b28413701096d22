/** The Electron shell's wiring, against a fake that records. What Electron itself does is not shown here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as electron from 'electron';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StudioError } from '../contract/errors';
import type { TransferView } from '../contract/events';
import { drawIcon } from './icon';
import { utilityProcessLauncher } from './launcher';
import { menuTemplate } from './menu';
import { overallProgress } from './progress';
import {
  contentSecurityPolicy,
  denyPermissions,
  isTrustedSender,
  lockNavigation,
  rendererFile,
  serveRenderer,
} from './security';
import {
  FakeContents,
  type FakeUtilityProcess,
  FakeWindow,
  type fakeElectron,
} from './testing/fake-electron';
import { openWindow, readState } from './window';

vi.mock('electron', async () => (await import('./testing/fake-electron')).fakeElectron());
const fake = electron as unknown as ReturnType<typeof fakeElectron>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'micro-cdn-main-'));
  vi.clearAllMocks();
});
afterEach(() => rmSync(folder, { recursive: true }));

function served() {
  const receiveUpload = vi.fn(async (_id: string, chunks: AsyncIterable<Uint8Array>): Promise<unknown> => {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts).toString();
  });
  serveRenderer('/app/out', { receiveUpload } as never);
  const handler = fake.protocol.handle.mock.calls[0]?.[1] as (request: Request) => Promise<Response>;
  return { handler, receiveUpload };
}

describe('the renderer files', () => {
  it('are served from their folder and from nowhere else', () => {
    expect(rendererFile('/app/out', 'studio://panel/index.html')).toBe('/app/out/index.html');
    expect(rendererFile('/app/out', 'studio://panel/assets/a%20b.js')).toBe('/app/out/assets/a b.js');
    for (const url of [
      'studio://panel/..%2f..%2fetc/passwd',
      'studio://panel/%2e%2e%2fsecret',
      'studio://other/index.html',
      'file:///etc/passwd',
      'https://panel/index.html',
      'studio://panel/%',
      'studio://panel/a%00b',
    ]) {
      expect(rendererFile('/app/out', url), url).toBeUndefined();
    }
  });

  it('carry a policy that begins with nothing allowed, and no inline script', async () => {
    const { handler } = served();
    const response = await handler(new Request('studio://panel/index.html'));
    expect(response.headers.get('Content-Security-Policy')).toBe(contentSecurityPolicy);
    expect(contentSecurityPolicy).toMatch(/^default-src 'none'/);
    expect(contentSecurityPolicy).toMatch(/script-src 'self'(;|$)/);
    expect((await handler(new Request('studio://panel/..%2fx'))).status).toBe(404);
    fake.net.fetch.mockRejectedValueOnce(new Error('ERR_FILE_NOT_FOUND'));
    expect((await handler(new Request('studio://panel/assets/gone.js'))).status).toBe(404);
  });

  it('are beside the uploads of the page, which go to the core as they come', async () => {
    const { handler, receiveUpload } = served();
    const put = (url: string, body: string) => handler(new Request(url, { method: 'PUT', body }));
    expect((await put('studio://panel/upload/ticket-1', 'hello')).status).toBe(204);
    expect((await put('studio://panel/upload/ticket-2', '')).status).toBe(204);
    expect(receiveUpload.mock.calls.map(([id]) => id)).toEqual(['ticket-1', 'ticket-2']);
    expect(await Promise.all(receiveUpload.mock.results.map(({ value }) => value))).toEqual(['hello', '']);

    receiveUpload.mockRejectedValueOnce(new StudioError('UNKNOWN_UPLOAD', 'It was made already.', 'Again.'));
    const refused = await put('studio://panel/upload/ticket-1', 'hello');
    expect([refused.status, await refused.json()]).toEqual([
      404,
      { error: { code: 'UNKNOWN_UPLOAD', message: 'It was made already.', hint: 'Again.' } },
    ]);
    expect((await put('studio://other/upload/ticket-3', 'hello')).status).toBe(404);
    expect(receiveUpload).toHaveBeenCalledTimes(3);
  });
});

describe('security', () => {
  it('trusts only the main frame of our own page', () => {
    const contents = new FakeContents();
    const event = (frame: { url: string } | null) => ({ senderFrame: frame, sender: contents }) as never;
    expect(isTrustedSender(event(contents.mainFrame))).toBe(true);
    expect(isTrustedSender(event({ url: 'studio://panel/index.html' }))).toBe(false);
    expect(isTrustedSender(event(null))).toBe(false);
    contents.mainFrame.url = 'https://example.org/';
    expect(isTrustedSender(event(contents.mainFrame))).toBe(false);
    contents.mainFrame.url = 'not a url';
    expect(isTrustedSender(event(contents.mainFrame))).toBe(false);
  });

  it('lets our own page write text to the clipboard, and denies every other permission', () => {
    denyPermissions(fake.session.defaultSession as never);
    const { defaultSession } = fake.session;
    const request = defaultSession.setPermissionRequestHandler.mock.calls[0]?.[0];
    const check = defaultSession.setPermissionCheckHandler.mock.calls[0]?.[0];
    const answers = (permission: string, url: string): boolean[] => {
      const decide = vi.fn();
      request(null, permission, decide, { requestingUrl: url });
      return [decide.mock.calls[0]?.[0], check(null, permission, url)];
    };
    expect(answers('clipboard-sanitized-write', 'studio://panel/index.html')).toEqual([true, true]);
    expect(answers('clipboard-sanitized-write', 'https://example.org/')).toEqual([false, false]);
    expect(answers('clipboard-sanitized-write', '')).toEqual([false, false]);
    expect(answers('clipboard-read', 'studio://panel/')).toEqual([false, false]);
    expect(answers('media', 'studio://panel/')).toEqual([false, false]);
    expect(defaultSession.setDevicePermissionHandler.mock.calls[0]?.[0]()).toBe(false);
  });

  it('keeps every page where it is and opens no window', () => {
    lockNavigation();
    const contents = new FakeContents();
    fake.app.emit('web-contents-created', {}, contents);
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      const away = { url: 'https://example.org/', preventDefault: vi.fn() };
      contents.emit(name, away);
      expect(away.preventDefault, name).toHaveBeenCalled();
    }
    const webview = { preventDefault: vi.fn() };
    contents.emit('will-attach-webview', webview);
    expect(webview.preventDefault).toHaveBeenCalled();
    const open = contents.setWindowOpenHandler.mock.calls[0]?.[0] as (details: { url: string }) => unknown;
    expect(open({ url: 'https://example.org/' })).toEqual({ action: 'deny' });
    expect(fake.shell.openExternal).toHaveBeenCalledWith('https://example.org/');
    expect(open({ url: 'file:///etc/passwd' })).toEqual({ action: 'deny' });
    expect(fake.shell.openExternal).toHaveBeenCalledTimes(1);
  });
});

describe('the window', () => {
  it('is isolated and sandboxed, and comes back where it was', () => {
    const stateFile = join(folder, 'window.json');
    openWindow({ stateFile, preload: '/app/preload.cjs' });
    const { options, ...window } = FakeWindow.last as FakeWindow;
    expect(options.webPreferences).toMatchObject({
      preload: '/app/preload.cjs',
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
    });
    expect(window.loadURL).toHaveBeenCalledWith('studio://panel/index.html');
    expect(window.show).not.toHaveBeenCalled();
    FakeWindow.last?.emit('ready-to-show');
    expect(window.show).toHaveBeenCalled();
    FakeWindow.last?.emit('close');
    expect(JSON.parse(readFileSync(stateFile, 'utf8')).bounds).toEqual({
      x: 1,
      y: 2,
      width: 1000,
      height: 700,
    });
    openWindow({ stateFile, preload: '/app/preload.cjs' });
    expect(FakeWindow.last?.options).toMatchObject({ x: 1, y: 2, width: 1000, height: 700 });
  });

  it('is loaded again when its process dies, but not for ever', () => {
    openWindow({ stateFile: join(folder, 'window.json'), preload: 'p' });
    const contents = FakeWindow.last?.webContents as FakeContents;
    contents.emit('render-process-gone', {}, { reason: 'clean-exit' });
    expect(contents.reload).not.toHaveBeenCalled();
    contents.emit('render-process-gone', {}, { reason: 'crashed' });
    expect(contents.reload).toHaveBeenCalledTimes(1);
    contents.emit('render-process-gone', {}, { reason: 'oom' });
    expect(contents.reload).toHaveBeenCalledTimes(1);
    expect(fake.dialog.showErrorBox).toHaveBeenCalledWith(
      'The panel has stopped',
      expect.stringContaining('oom'),
    );
  });

  it('opens in the middle when its state is broken or off every screen', () => {
    const stateFile = join(folder, 'window.json');
    for (const text of ['', '{"bounds":{"x":"a"}}', 'null']) {
      writeFileSync(stateFile, text);
      expect(readState(stateFile)).toEqual({});
    }
    writeFileSync(stateFile, '{"bounds":{"x":9000,"y":0,"width":800,"height":600}}');
    openWindow({ stateFile, preload: 'p' });
    expect(FakeWindow.last?.options.x).toBeUndefined();
    expect(FakeWindow.last?.options.width).toBe(800);
  });
});

describe('the utility-process launcher', () => {
  const handlers = () => ({ spawned: vi.fn(), message: vi.fn(), output: vi.fn(), exited: vi.fn() });
  const launched = (given: ReturnType<typeof handlers>) => {
    const channel = utilityProcessLauncher('/app/node.js').launch('CS1', given);
    const child = fake.utilityProcess.fork.mock.results.at(-1)?.value as FakeUtilityProcess;
    return { channel, child };
  };

  it('strips the environment and ignores standard input', () => {
    process.env.NODE_OPTIONS = '--max-old-space-size=4096';
    process.env.SOME_SECRET = 'hush';
    launched(handlers());
    const [entry, args, options] = fake.utilityProcess.fork.mock.calls[0] as unknown as [
      string,
      string[],
      { env: Record<string, string>; stdio: string[]; execArgv: string[] },
    ];
    expect([entry, args]).toEqual(['/app/node.js', ['CS1']]);
    expect(options.stdio[0]).toBe('ignore');
    expect(options.execArgv).toEqual([]);
    expect(options.env).not.toHaveProperty('NODE_OPTIONS');
    expect(options.env).not.toHaveProperty('SOME_SECRET');
    expect(options.env.PATH).toBe(process.env.PATH);
    delete process.env.NODE_OPTIONS;
    delete process.env.SOME_SECRET;
  });

  it('posts only between spawn and exit, and reports one exit', () => {
    const given = handlers();
    const { channel, child } = launched(given);
    channel.post({ type: 'drain' });
    expect(child.postMessage).not.toHaveBeenCalled();
    child.emit('spawn');
    expect(given.spawned).toHaveBeenCalledTimes(1);
    channel.post({ type: 'drain' });
    expect(child.postMessage).toHaveBeenCalledWith({ type: 'drain' });
    child.emit('message', { type: 'drained' });
    child.emit('exit', 0);
    child.emit('exit', 0);
    child.emit('message', { type: 'stopped' });
    channel.post({ type: 'stop' });
    expect(given.exited.mock.calls).toEqual([[{ code: 0, signal: null }]]);
    expect(given.message.mock.calls).toEqual([[{ type: 'drained' }]]);
    expect(child.postMessage).toHaveBeenCalledTimes(1);
  });

  it('tells of a fatal error, which must not become the end of the studio', () => {
    const given = handlers();
    const { child } = launched(given);
    child.emit('error', 'FatalError', 'v8::ToLocalChecked', '{}');
    expect(given.output).toHaveBeenCalledWith('FatalError at v8::ToLocalChecked');
  });

  it('does not lose a kill that comes before the spawn', () => {
    const given = handlers();
    const { channel, child } = launched(given);
    channel.kill();
    expect(child.kill).not.toHaveBeenCalled();
    child.emit('spawn');
    expect(child.kill).toHaveBeenCalled();
    expect(given.spawned).not.toHaveBeenCalled();
  });
});

describe('the menu', () => {
  const itemsOf = (...args: Parameters<typeof menuTemplate>) =>
    menuTemplate(...args).flatMap((menu) => (Array.isArray(menu.submenu) ? menu.submenu : []));

  it('leaves undo in a text field to the text, also on macOS, where a menu has every key that is left', () => {
    const actions = { call: vi.fn(), nodeIds: async () => [], openWorkspace: vi.fn(), dataFolder: '/data' };
    const keysOfUndo = (platform: NodeJS.Platform) =>
      itemsOf(actions, platform).filter(
        ({ accelerator, registerAccelerator = true }) =>
          /\+Z$/.test(String(accelerator)) && (registerAccelerator || platform === 'darwin'),
      );
    for (const platform of ['darwin', 'win32', 'linux'] as const) expect(keysOfUndo(platform)).toEqual([]);
    expect(itemsOf(actions, 'darwin').map(({ role }) => role)).toEqual(
      expect.arrayContaining(['undo', 'redo']),
    );
  });

  it('makes the calls that the panel makes', async () => {
    const call = vi.fn(async () => undefined);
    const nodeIds = async () => ['a', 'b'];
    const items = itemsOf({ call, nodeIds, openWorkspace: vi.fn(), dataFolder: '/data' }, 'linux');
    const click = (label: string): void => {
      const item = items.find((candidate) => candidate.label === label);
      if (!item?.click) throw new Error(`There is no menu entry "${label}".`);
      (item.click as () => void)();
    };
    click('Start all');
    click('Stop all');
    click('Undo');
    click('Heal all faults');
    await vi.waitFor(() => expect(call).toHaveBeenCalledTimes(4));
    expect(call.mock.calls).toEqual(
      expect.arrayContaining([
        ['nodes.start', { ids: ['a', 'b'] }],
        ['nodes.stop', { ids: ['a', 'b'] }],
        ['workspace.undo', {}],
        ['faults.healAll', {}],
      ]),
    );
  });
});

describe('the taskbar', () => {
  const transfer = (phase: TransferView['phase'], bytes: number, size?: number): TransferView =>
    ({ phase, bytes, size }) as TransferView;

  it('shows the transfers that are under way', () => {
    expect(overallProgress([])).toBe(-1);
    expect(overallProgress([transfer('done', 10, 10), transfer('failed', 1, 10)])).toBe(-1);
    expect(overallProgress([transfer('running', 25, 100), transfer('verifying', 100, 100)])).toBe(0.625);
    expect(overallProgress([transfer('waiting', 0)])).toBe(2);
    expect(overallProgress([transfer('running', 0, 0)])).toBe(1);
  });
});

describe('the icon', () => {
  it('has a solid hub and a transparent corner', () => {
    const pixels = drawIcon(64);
    const alpha = (x: number, y: number): number => pixels[(y * 64 + x) * 4 + 3] as number;
    expect(alpha(32, 32)).toBe(255);
    expect(alpha(0, 0)).toBe(0);
  });
});
