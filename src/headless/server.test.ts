import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { EventBatch } from '../contract/events';
import { ScriptedLauncher } from '../core/testing/scripted-launcher';
import { type TestCore, testCore } from '../core/testing/test-core';
import { waitFor } from '../core/testing/wait-for';
import { scratchFolder } from '../testing/scratch-folder';
import { type PanelServer, servePanelOver } from './server';

let renderer: string;
let studio: TestCore;
let server: PanelServer;
let host: string;
let origin: string;
let token: string;

beforeEach(async () => {
  renderer = await scratchFolder();
  await mkdir(join(renderer, 'assets'));
  await writeFile(join(renderer, 'index.html'), '<title>Panel</title>');
  await writeFile(join(renderer, 'assets', 'index-abc.js'), 'export {};');
  studio = await testCore(new ScriptedLauncher());
  server = await servePanelOver({ core: studio.core, rendererFolder: renderer, host: '127.0.0.1', port: 0 });
  host = `127.0.0.1:${server.port}`;
  origin = `http://${host}`;
  token = new URL(server.url).hash.replace('#token=', '');
});
afterEach(async () => {
  await server.close();
  await studio.end();
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const outgoing = request({ port: server.port, host: '127.0.0.1', path, method, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

interface Panel {
  socket: WebSocket;
  received: Record<string, unknown>[];
  closed: Promise<number>;
  say(message: unknown): void;
  answer(id: number): Promise<Record<string, unknown>>;
}
/** Rejects when the server does not take the connection. */
function connect(headers: Record<string, string> = { Origin: origin }, path = '/ws'): Promise<Panel> {
  const socket = new WebSocket(`ws://${host}${path}`, { headers });
  const received: Record<string, unknown>[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data))));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () =>
      resolve({
        socket,
        received,
        closed,
        say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
        answer: (id) => waitFor(() => received.find((message) => message.id === id), `an answer to ${id}`),
      }),
    );
  });
}
async function connectWithToken(): Promise<Panel> {
  const panel = await connect();
  panel.say({ token });
  await waitFor(() => panel.received.length > 0, 'hello');
  return panel;
}
async function announceUpload(panel: Panel, name: string, size: number): Promise<string> {
  panel.say({
    id: 1,
    call: 'workspace.apply',
    input: { command: { type: 'add-node', kind: 'content-server' } },
  });
  await panel.answer(1);
  panel.say({ id: 2, call: 'files.prepareUpload', input: { node: 'cs1', files: [{ name, size }] } });
  const { ok } = (await panel.answer(2)) as { ok: { tickets: { uploadId: string }[] } };
  return ok.tickets[0]?.uploadId ?? '';
}

describe('the pages', () => {
  it('are served with a policy that allows nothing but what the panel needs', async () => {
    const page = await ask('/');
    expect(page).toMatchObject({ status: 200, body: '<title>Panel</title>' });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it('are cached for ever when their name has a hash, and checked otherwise', async () => {
    expect((await ask('/assets/index-abc.js')).headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const { headers } = await ask('/');
    expect(await ask('/', { headers: { 'If-None-Match': String(headers.etag) } })).toMatchObject({
      status: 304,
      body: '',
    });
    expect(await ask('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it.each(['/../package.json', '/%2e%2e/package.json', '/assets/..%2f..%2fx', '/nothing', '//etc/passwd'])(
    'do not include %s',
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  it('are not given to a page whose name was made to point here', async () => {
    expect((await ask('/', { headers: { Host: `evil.example:${server.port}` } })).status).toBe(421);
    expect((await ask('/', { headers: { Host: '127.0.0.1' } })).status).toBe(421);
    expect((await ask('/', { headers: { Host: `localhost:${server.port}` } })).status).toBe(200);
  });

  it('do not carry the token', async () => {
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await ask('/')).body).not.toContain(token);
  });
});

describe('the socket', () => {
  it.each([
    ['no origin', {}, '/ws'],
    ['another origin', { Origin: 'http://evil.example' }, '/ws'],
    ['another port', { Origin: 'http://127.0.0.1:1' }, '/ws'],
    ['another path', undefined, '/other'],
  ])('is refused with %s', async (_, headers, path) => {
    await expect(connect(headers ?? { Origin: origin }, path)).rejects.toThrow('403');
  });

  it('is refused when host and origin agree on a foreign name', async () => {
    const foreign = `evil.example:${server.port}`;
    await expect(connect({ Host: foreign, Origin: `http://${foreign}` })).rejects.toThrow('403');
  });

  it.each([
    ['a wrong token', { token: 'x'.repeat(43) }],
    ['no token', { id: 1, call: 'studio.snapshot', input: {} }],
    ['no JSON', 'hello'],
    ['a token that is no text', { token: { length: 43 } }],
  ])('is closed after %s, with a hint', async (_, message) => {
    const panel = await connect();
    panel.say(message);
    expect(await panel.closed).toBe(1008);
    expect(panel.received).toMatchObject([{ error: { code: 'BAD_TOKEN', hint: expect.any(String) } }]);
  });

  it('answers calls, errors included, and pushes batches', async () => {
    const panel = await connectWithToken();
    expect(panel.received[0]).toMatchObject({ hello: { kind: 'headless' } });
    panel.say({ id: 1, call: 'studio.snapshot', input: {} });
    expect(await panel.answer(1)).toMatchObject({ ok: { seq: 0, nodes: [] } });
    panel.say({ id: 2, call: 'workspace.apply', input: { command: { type: 'add-node', kind: 'client' } } });
    expect(await panel.answer(2)).toEqual({ id: 2, ok: { ids: ['client1'] } });
    const pushed = await waitFor(() => panel.received.find(({ batch }) => batch), 'a batch');
    expect((pushed.batch as EventBatch).seq).toBe(1);
    panel.say({ id: 3, call: 'nodes.start', input: { ids: 'all' } });
    expect(await panel.answer(3)).toMatchObject({ error: { code: 'BAD_INPUT' } });
    panel.say({ id: 4, call: '__proto__', input: {} });
    expect(await panel.answer(4)).toMatchObject({ error: { code: 'UNKNOWN_CALL' } });
    panel.say('{{{');
    panel.say({ nonsense: true });
    panel.say({ id: 5, call: 'tasks.clear', input: {} });
    expect(await panel.answer(5)).toEqual({ id: 5 });
  });

  it('gives no paths of this machine to a browser', async () => {
    const { core } = studio;
    Object.assign(core.options.shell, { paths: false });
    await expect(studio.call('files.import', { node: 'x', paths: ['/etc/passwd'] })).rejects.toMatchObject({
      code: 'NOT_HERE',
    });
  });
});

describe('a slow panel', () => {
  it('gets the newest state when it reads again, and not all that was in between', async () => {
    const panel = await connectWithToken();
    panel.socket.pause();
    const view = { id: 'x', phase: 'running' as const, since: 0, ports: {}, counters: {} };
    const pushes = 40;
    for (let n = 1; n <= pushes; n++) {
      const snapshot = { n, filler: 'x'.repeat(1_000_000) };
      studio.core.hub.push({ type: 'node', node: { ...view, snapshot } });
      // One batch goes out in at most this time, so each push would be one of its own.
      await new Promise((resolve) => setTimeout(resolve, 55));
    }
    panel.socket.resume();
    const numbers = (): number[] =>
      panel.received.flatMap(({ batch }) =>
        ((batch as EventBatch | undefined)?.events ?? []).flatMap((event) =>
          event.type === 'node' ? [event.node.snapshot.n as number] : [],
        ),
      );
    await waitFor(() => numbers().at(-1) === pushes, 'the newest state');
    expect(numbers().length).toBeLessThan(pushes);
    const seqs = panel.received.flatMap(({ batch }) => (batch ? [(batch as EventBatch).seq] : []));
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });
});

describe('an upload', () => {
  const authorized = (): Record<string, string> => ({ Origin: origin, Authorization: `Bearer ${token}` });

  it('is streamed into the folder of the node', async () => {
    const panel = await connectWithToken();
    const body = Buffer.alloc(3_000_000, 'x');
    const id = await announceUpload(panel, 'big file.bin', body.length);
    expect(await ask(`/upload/${id}`, { method: 'PUT', headers: authorized(), body })).toMatchObject({
      status: 204,
    });
    const { rows } = await studio.call('files.list', { node: 'cs1' });
    expect(rows).toMatchObject([{ name: 'big file.bin', size: body.length }]);
  });

  it('needs the token, in the header, and the page of this server', async () => {
    const panel = await connectWithToken();
    const id = await announceUpload(panel, 'a', 1);
    const put = (headers: Record<string, string>, path = `/upload/${id}`) =>
      ask(path, { method: 'PUT', headers, body: 'a' }).then(({ status }) => status);
    expect(await put({ Origin: origin })).toBe(401);
    expect(await put({ Origin: origin }, `/upload/${id}?token=${token}`)).toBe(405);
    expect(await put({ Origin: origin, Authorization: 'Bearer wrong' })).toBe(401);
    expect(await put({ ...authorized(), Origin: 'http://evil.example' })).toBe(403);
    expect(await put({ Authorization: `Bearer ${token}` })).toBe(403);
    expect(await put(authorized())).toBe(204);
  });

  it('that was not announced, or does not fit, is answered with the reason', async () => {
    const panel = await connectWithToken();
    const unknown = await ask('/upload/nothing', { method: 'PUT', headers: authorized(), body: 'a' });
    expect(unknown.status).toBe(404);
    const id = await announceUpload(panel, 'a', 2);
    const wrong = await ask(`/upload/${id}`, { method: 'PUT', headers: authorized(), body: 'abc' });
    expect(wrong.status).toBe(422);
    expect(JSON.parse(wrong.body)).toMatchObject({ error: { code: 'SIZE_MISMATCH' } });
  });

  it('that breaks off in the middle leaves nothing', async () => {
    const panel = await connectWithToken();
    const id = await announceUpload(panel, 'a.bin', 1_000_000);
    const outgoing = request({
      port: server.port,
      host: '127.0.0.1',
      path: `/upload/${id}`,
      method: 'PUT',
      headers: { ...authorized(), 'Content-Length': '1000000' },
    });
    outgoing.on('error', () => undefined);
    outgoing.write('x'.repeat(1000));
    await waitFor(() => studio.core.tasks.views().some(({ done }) => done > 0), 'the first bytes');
    outgoing.destroy();
    await waitFor(() => studio.core.tasks.views().every(({ phase }) => phase === 'failed'), 'the failure');
    expect((await studio.call('files.list', { node: 'cs1' })).total).toBe(0);
  });
});

describe('a saved file', () => {
  it('can be fetched once, under its name, whatever it is', async () => {
    const name = "größe 'x' (1).txt";
    const path = join(renderer, name);
    await writeFile(path, 'saved');
    const address = `/download/${studio.core.savedFiles.ticket(path)}`;
    const answer = await ask(address);
    expect(answer).toMatchObject({ status: 200, body: 'saved' });
    const disposition = String(answer.headers['content-disposition']);
    expect(disposition).toBe("attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%27x%27%20%281%29.txt");
    expect((await ask(address)).status).toBe(404);
    expect(await readFile(path, 'utf8')).toBe('saved');
  });
});

describe('the server', () => {
  it('says when its port is taken', async () => {
    const again = servePanelOver({
      core: studio.core,
      rendererFolder: renderer,
      host: '127.0.0.1',
      port: server.port,
    });
    await expect(again).rejects.toMatchObject({
      code: 'EADDRINUSE',
      hint: expect.stringContaining('--port'),
    });
  });

  it('says how to build the panel when it is not there', async () => {
    const bare = await servePanelOver({
      core: studio.core,
      rendererFolder: join(renderer, 'none'),
      host: '127.0.0.1',
      port: 0,
    });
    const answer = await fetch(`http://127.0.0.1:${bare.port}/`);
    expect(await answer.text()).toContain('npm run build');
    await bare.close();
  });

  it('closes its panels when it is closed', async () => {
    const panel = await connectWithToken();
    await server.close();
    expect(await panel.closed).toBe(1001);
  });
});
