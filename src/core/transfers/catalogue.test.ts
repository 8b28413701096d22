import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AddressBook } from '../supervisor/address-book';
import { Catalogue, type CatalogueOptions } from './catalogue';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const catalogueOf = (operate: CatalogueOptions['operate'], indexes = ['frozen', 'well']): Catalogue =>
  new Catalogue({
    indexes: () => indexes,
    nodes: () => [],
    addresses: () => new AddressBook([]),
    operate,
  });
const answersButOne: CatalogueOptions['operate'] = (id) =>
  id === 'frozen'
    ? new Promise(() => {})
    : Promise.resolve({ rows: [{ name: 'a.bin', size: 1, holders: [] }], total: 1 });

describe('the indexes that know a file', () => {
  it('are those that answer; one that is frozen is not waited for', async () => {
    const known = catalogueOf(answersButOne).whoKnows('a.bin', new AbortController().signal);
    await vi.runAllTimersAsync();
    expect(await known).toEqual([{ index: 'well', holders: [] }]);
  });

  it('are no longer wanted when whoever asks gives up, and are told so', async () => {
    const told: (AbortSignal | undefined)[] = [];
    const catalogue = catalogueOf((...args) => {
      told.push(args[3]?.signal);
      return answersButOne(...args);
    });
    const abort = new AbortController();
    const known = catalogue.whoKnows('a.bin', abort.signal);
    abort.abort(new Error('enough'));
    await expect(known).rejects.toThrow('enough');
    expect(told.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the list of all files', () => {
  const query = {
    search: '',
    sort: 'name',
    descending: false,
    offset: 0,
    limit: 10,
  } as const;

  it('is of those indexes that answer', async () => {
    const list = catalogueOf(answersButOne).list(query);
    await vi.runAllTimersAsync();
    expect(await list).toEqual({ total: 1, rows: [{ name: 'a.bin', size: 1, holders: [] }] });
  });

  it.each([[['frozen']], [['frozen', 'frozen']]])('says so when none of %s answers', async (indexes) => {
    const list = catalogueOf(answersButOne, indexes).list(query);
    list.catch(() => {});
    await vi.runAllTimersAsync();
    await expect(list).rejects.toMatchObject({ code: 'INDEX_SILENT' });
  });
});
