import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StudioError } from '../../contract/errors';
import type { StudioEvent } from '../../contract/events';
import { scratchFolder } from '../../testing/scratch-folder';
import { waitFor } from '../testing/wait-for';
import { Transfers, type TransfersOptions } from './transfers';

type Operate = TransfersOptions['operate'];

function setUp(
  operate: Operate,
  ensureClient: TransfersOptions['ensureClient'] = async () => 'peer1',
): { transfers: Transfers; asked: unknown[][]; told: string[] } {
  const asked: unknown[][] = [];
  const told: string[] = [];
  const journal = { add: ({ text }: { text: string }) => void told.push(text) };
  const hub = { push: (_event: StudioEvent) => {}, notice: () => {} };
  const transfers = new Transfers({
    hub: hub as unknown as TransfersOptions['hub'],
    journal: journal as unknown as TransfersOptions['journal'],
    addresses: () => ({ find: () => undefined }) as unknown as ReturnType<TransfersOptions['addresses']>,
    ensureClient,
    operate: (id, operation, input, options) => {
      asked.push([operation, input]);
      return operate(id, operation, input, options);
    },
  });
  return { transfers, asked, told };
}

/** A download that runs until it is interrupted. */
const running: Operate = (_id, operation, _input, options) =>
  new Promise((resolve, reject) => {
    if (operation !== 'download') return resolve(undefined);
    options?.progress({ phase: 'running', bytes: 1, size: 9 });
    options?.signal.addEventListener('abort', () => reject(options.signal.reason));
  });

describe('the priority of a download', () => {
  it('is told to its client, and again when it is resumed', async () => {
    const { transfers, asked } = setUp(running);
    const id = transfers.download({ name: 'a.bin' });
    await waitFor(() => transfers.view(id).phase === 'running');
    await transfers.prioritise(id, 'high');
    expect(asked.at(-1)).toEqual(['control', { name: 'a.bin', priority: 'high' }]);
    transfers.pause(id);
    await waitFor(() => transfers.view(id).phase === 'paused');
    await transfers.prioritise(id, 'low');
    expect(asked).toHaveLength(2);
    await transfers.resume(id);
    await waitFor(() => transfers.view(id).phase === 'running');
    expect(asked.at(-1)).toEqual(['download', { name: 'a.bin', keepPartial: true, priority: 'low' }]);
    await transfers.close();
  });

  it('is the one that the client says, where an earlier run had one', async () => {
    const { transfers } = setUp((...args) => {
      args[3]?.progress({ phase: 'running', bytes: 1, priority: 'low' });
      return running(...args);
    });
    const id = transfers.download({ name: 'a.bin' });
    await waitFor(() => transfers.view(id).priority === 'low');
    await transfers.close();
  });

  it('waits for a client that does not know the download yet, and is refused where there are none', async () => {
    let code = 'NO_DOWNLOAD';
    const { transfers } = setUp((...args) =>
      args[1] === 'control' ? Promise.reject(new StudioError(code, 'No.')) : running(...args),
    );
    const id = transfers.download({ name: 'a.bin' });
    await waitFor(() => transfers.view(id).phase === 'running');
    await transfers.prioritise(id, 'high');
    expect(transfers.view(id).priority).toBe('high');
    code = 'UNKNOWN_OPERATION';
    await expect(transfers.prioritise(id, 'low')).rejects.toMatchObject({ code });
    expect(transfers.view(id).priority).toBe('high');
    await transfers.cancel(id);
    await waitFor(() => transfers.view(id).phase === 'cancelled');
    await expect(transfers.prioritise(id, 'low')).rejects.toMatchObject({ code: 'ENDED' });
  });
});

it('tells the client from how many servers at once a download may come, and again when it is resumed', async () => {
  const { transfers, asked } = setUp(running);
  const id = transfers.download({ name: 'a.bin', sources: 2 });
  await waitFor(() => transfers.view(id).phase === 'running');
  transfers.pause(id);
  await waitFor(() => transfers.view(id).phase === 'paused');
  await transfers.resume(id);
  await waitFor(() => transfers.view(id).phase === 'running');
  const told = ['download', { name: 'a.bin', keepPartial: true, sources: 2 }];
  expect(asked).toEqual([told, told]);
  await transfers.close();
});

it.each([
  { several: false, moves: ['The download of a.bin moved from CS1 to CS2.'] },
  { several: true, moves: [] },
])('tells of a fail-over, not of which source is the fastest: $several', async ({ several, moves }) => {
  const { transfers, told } = setUp((...args) => {
    for (const serverId of ['CS1', 'CS2'])
      args[3]?.progress({ several, source: { serverId, address: '127.0.0.1:7001' } });
    return running(...args);
  });
  const id = transfers.download({ name: 'a.bin' });
  await waitFor(() => transfers.view(id).bytes === 1);
  expect(told.filter((text) => text.includes('moved'))).toEqual(moves);
  await transfers.close();
});

describe('a download whose client is not found', () => {
  it('can be cancelled, and lets those after it have their turn', async () => {
    const { transfers } = setUp(running, (name, _client, signal) =>
      name === 'b.bin'
        ? Promise.resolve('peer1')
        : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const stuck = transfers.download({ name: 'a.bin' });
    const next = transfers.download({ name: 'b.bin' });
    await transfers.cancel(stuck);
    await waitFor(() => transfers.view(stuck).phase === 'cancelled');
    await waitFor(() => transfers.view(next).phase === 'running');
    await transfers.close();
  });

  it('holds up neither its cancellation nor the end of the studio, whatever is waited for', async () => {
    const { transfers } = setUp(running, () => new Promise(() => {}));
    const stuck = transfers.download({ name: 'a.bin' });
    const behind = transfers.download({ name: 'b.bin' });
    await transfers.cancel(behind);
    await waitFor(() => transfers.view(behind).phase === 'cancelled');
    await transfers.close();
    expect(transfers.view(stuck).phase).toBe('paused');
  });
});

describe('a download that is cancelled', () => {
  it.each(['running', 'paused'])('when it is %s, says which file it could not delete', async (phase) => {
    const folder = await scratchFolder();
    // A folder is what no account can delete as a file.
    const partial = join(folder, 'a.bin.part');
    await mkdir(partial);
    const { transfers } = setUp((...args) => {
      args[3]?.progress({ partial });
      return running(...args);
    });
    const id = transfers.download({ name: 'a.bin' });
    await waitFor(() => transfers.view(id).phase === 'running');
    if (phase === 'paused') transfers.pause(id);
    await waitFor(() => transfers.view(id).phase === phase);
    await transfers.cancel(id);
    const error = await waitFor(() => transfers.view(id).error);
    expect(error.message).toContain(partial);
    expect(transfers.view(id).phase).toBe('cancelled');
    expect(await readdir(folder)).toEqual(['a.bin.part']);
    await transfers.close();
  });
});
