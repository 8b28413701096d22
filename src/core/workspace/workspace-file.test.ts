import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../contract/workspace';
import { scratchFolder } from '../../testing/scratch-folder';
import { thisProcess } from '../storage/process-identity';
import { emptyWorkspace } from './document';
import { WorkspaceFile } from './workspace-file';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await scratchFolder();
  path = join(folder, 'workspace.json');
});

async function withFile<T>(use: (file: WorkspaceFile) => Promise<T>): Promise<T> {
  const file = await WorkspaceFile.own(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
const named = (name: string): Workspace => emptyWorkspace(name);
const saved = (...documents: Workspace[]) =>
  withFile(async (file) => {
    for (const document of documents) await file.save(document);
  });
const load = () => withFile((file) => file.load());

describe('the workspace file', () => {
  it('gives back what was saved', async () => {
    await saved(named('One'), named('Two'));
    expect(await load()).toEqual({ document: named('Two') });
    expect((await readdir(folder)).sort()).toEqual(['workspace.json', 'workspace.json.bak']);
  });

  it('is empty at first', async () => {
    expect(await load()).toEqual({ document: null });
  });

  it.each([
    ['cut in half', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['of another shape', () => '{"format":"micro-cdn-studio","version":1,"nodes":"none"}'],
    ['not text', () => '\u0000\u0001\u0002'],
  ])('is taken from its backup when it is %s, and what was broken is kept', async (_, spoil) => {
    await saved(named('One'), named('Two'));
    const broken = spoil(await readFile(path, 'utf8'));
    await writeFile(path, broken);
    const { document, recovery } = await load();
    expect(document).toEqual(named('Two'));
    expect(recovery).toMatchObject({ from: 'backup', brokenFile: `${path}.broken-1` });
    expect(await readFile(`${path}.broken-1`, 'utf8')).toBe(broken);
    expect(await load()).toEqual({ document: named('Two') });
  });

  it('has its former version as backup while it is open', async () => {
    await withFile(async (file) => {
      await file.save(named('One'));
      await file.save(named('Two'));
      await writeFile(path, '{');
      expect(await file.load()).toMatchObject({ document: named('One'), recovery: { from: 'backup' } });
    });
  });

  it('is taken from its backup when it is missing', async () => {
    await saved(named('One'), named('Two'));
    await rm(path);
    expect(await load()).toMatchObject({ document: named('Two'), recovery: { from: 'backup' } });
  });

  it('says so when neither can be read, and loses nothing', async () => {
    await saved(named('One'), named('Two'));
    await writeFile(path, '{');
    await writeFile(`${path}.bak`, '{');
    expect(await load()).toMatchObject({ document: null, recovery: { from: 'nothing' } });
    expect(await readFile(`${path}.broken-1`, 'utf8')).toBe('{');
  });

  it('never makes a broken file its backup, nor overwrites one that was put aside', async () => {
    await saved(named('One'), named('Two'));
    for (const text of ['first', 'second']) {
      await writeFile(path, text);
      await saved(named('Three'));
    }
    expect(JSON.parse(await readFile(`${path}.bak`, 'utf8'))).toEqual(named('Three'));
    expect(await readFile(`${path}.broken-1`, 'utf8')).toBe('first');
    expect(await readFile(`${path}.broken-2`, 'utf8')).toBe('second');
  });

  it('is never made of a file that was no workspace', async () => {
    path = join(folder, 'package.json');
    for (const text of ['{"name":"x"}', 'my notes', '[1, 2]']) {
      await writeFile(path, text);
      await expect(load()).rejects.toMatchObject({ code: 'NOT_A_WORKSPACE' });
      expect(await readFile(path, 'utf8')).toBe(text);
      expect(await readdir(folder)).toEqual(['package.json']);
    }
    await writeFile(path, '{"format": "micro-cdn-studio", "vers');
    expect(await load()).toMatchObject({ recovery: { from: 'nothing' } });
  });

  it('says why its path cannot be used', async () => {
    await writeFile(join(folder, 'file'), '');
    path = join(folder, 'file/workspace.json');
    await expect(load()).rejects.toMatchObject({
      message: expect.stringContaining('is a file, not a folder'),
    });
    path = folder;
    await expect(load()).rejects.toMatchObject({ code: 'EISDIR', hint: 'Choose another file.' });
  });

  it('of a newer version is refused and left alone', async () => {
    const newer = JSON.stringify({ ...named('New'), version: 2 });
    await writeFile(path, newer);
    await expect(load()).rejects.toMatchObject({ code: 'WORKSPACE_NEWER' });
    expect(await readFile(path, 'utf8')).toBe(newer);
  });
});

describe('the lock', () => {
  it('refuses a second owner while the first lives, and names it', async () => {
    await withFile(async () => {
      await expect(WorkspaceFile.own(path)).rejects.toMatchObject({
        code: 'WORKSPACE_IN_USE',
        message: expect.stringContaining(String(process.pid)),
      });
    });
    await (await WorkspaceFile.own(path)).close();
  });

  it('of a process that was killed is taken over', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    await writeFile(`${path}.lock`, JSON.stringify({ pid: child.pid, started: '' }));
    await expect(WorkspaceFile.own(path)).rejects.toMatchObject({ code: 'WORKSPACE_IN_USE' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await WorkspaceFile.own(path)).close();
  });

  it.runIf(process.platform === 'linux')(
    'of an earlier process with the same pid is taken over',
    async () => {
      const { pid, started } = await thisProcess();
      expect(started).not.toBe('');
      await writeFile(`${path}.lock`, JSON.stringify({ pid, started: '1 of another boot' }));
      await (await WorkspaceFile.own(path)).close();
    },
  );

  it('that is not readable is taken over', async () => {
    await writeFile(`${path}.lock`, '');
    await (await WorkspaceFile.own(path)).close();
  });

  it('has one winner when many take it at once, also over a stale one', async () => {
    await writeFile(`${path}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, started: '' }));
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => WorkspaceFile.own(path)));
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(won).toHaveLength(1);
  });
});
