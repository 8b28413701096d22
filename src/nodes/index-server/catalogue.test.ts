import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalogue } from './catalogue';
import type { IndexOperations } from './manifest';
import { Registry, type ServerRecord } from './registry';
import { mergeInSlices, sortInSlices } from './sort-in-slices';

type Query = IndexOperations['catalogue']['input'];

function world() {
  let pauses = 0;
  const catalogue = new Catalogue(async () => {
    pauses++;
  });
  const registry = new Registry(catalogue);
  const server = (number: number): ServerRecord => {
    const where = { serverId: `CS${number}`, host: '127.0.0.1', tcpPort: 7000 + number, udpPort: 0 };
    const record = registry.register(where, { wall: 0, steady: 0 });
    if (!record) throw new Error('There is room for a server.');
    return record;
  };
  const page = (query: Partial<Query> = {}) =>
    catalogue.page({ ...{ search: '', sort: 'name', descending: false, offset: 0, limit: 100 }, ...query });
  const names = async (query?: Partial<Query>) => (await page(query)).rows.map(({ name }) => name);
  return { registry, server, page, names, pauses: () => pauses };
}

describe('Catalogue', () => {
  it('pages through what was announced, in order', async () => {
    const { registry, server, page, names } = world();
    const cs1 = server(1);
    const cs2 = server(2);
    registry.add(cs1, 'b.txt', 5);
    registry.add(cs2, 'b.txt', 5);
    registry.add(cs1, 'a.txt', 9);
    registry.add(cs2, 'C.txt', 1);
    expect(await page({ limit: 2 })).toEqual({
      rows: [
        { name: 'C.txt', size: 1, holders: [{ serverId: 'CS2', address: '127.0.0.1:7002', alive: true }] },
        { name: 'a.txt', size: 9, holders: [{ serverId: 'CS1', address: '127.0.0.1:7001', alive: true }] },
      ],
      total: 3,
    });
    expect(await names({ offset: 2 })).toEqual(['b.txt']);
    expect(await names({ descending: true })).toEqual(['b.txt', 'a.txt', 'C.txt']);
    expect(await names({ sort: 'size' })).toEqual(['C.txt', 'b.txt', 'a.txt']);
    expect(await names({ sort: 'holders', descending: true })).toEqual(['b.txt', 'a.txt', 'C.txt']);
    expect(await page({ search: ' C.T ', limit: 0 })).toEqual({ rows: [], total: 1 });
    expect(await names({ offset: 99 })).toEqual([]);
  });

  it('is right after every sequence of changes, whatever was asked in between', async () => {
    const change = fc.record({
      what: fc.constantFrom('add', 'remove', 'ask', 'register'),
      server: fc.integer({ min: 1, max: 3 }),
      name: fc.constantFrom('a', 'b', 'ab', 'B', 'c d'),
      size: fc.integer({ min: 0, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        const { registry, server, page } = world();
        const records = [1, 2, 3].map((number) => server(number));
        const truth = new Map<string, Map<string, number>>();
        for (const { what, server: number, name, size } of changes) {
          const record = records[number - 1] as ServerRecord;
          if (what === 'add') {
            registry.add(record, name, size);
            truth.set(name, (truth.get(name) ?? new Map()).set(record.serverId, size));
          } else if (what === 'remove') {
            registry.remove(record, name);
            truth.get(name)?.delete(record.serverId);
          } else if (what === 'register') {
            server(number);
            registry.completeRegistration(record);
            for (const holders of truth.values()) holders.delete(record.serverId);
          } else {
            await page();
            await page({ search: 'b', sort: 'size' });
          }
          for (const [known, holders] of truth) if (holders.size === 0) truth.delete(known);
        }
        const { rows, total } = await page();
        expect(rows.map((row) => row.name)).toEqual([...truth.keys()].sort());
        expect(total).toBe(truth.size);
        for (const row of rows) {
          expect(new Set(row.holders.map(({ serverId }) => serverId))).toEqual(
            new Set(truth.get(row.name)?.keys()),
          );
        }
        const found = await page({ search: 'B' });
        expect(found.rows.map((row) => row.name)).toEqual(
          [...truth.keys()].filter((name) => /b/i.test(name)).sort(),
        );
        for (const record of records) {
          const held = [...truth].filter(([, holders]) => holders.has(record.serverId)).map(([name]) => name);
          expect(new Set([...record.files].map((file) => file.name))).toEqual(new Set(held));
        }
      }),
    );
  });

  it('lets others work while it sorts much, and does no work twice', async () => {
    const { registry, server, page, pauses } = world();
    const cs1 = server(1);
    for (let number = 0; number < 40_000; number++)
      registry.add(cs1, `file-${(number * 7919) % 40_000}`, number % 100);
    const [first, second] = await Promise.all([page({ limit: 3 }), page({ offset: 39_999 })]);
    expect(first.rows.map(({ name }) => name)).toEqual(['file-0', 'file-1', 'file-10']);
    expect(second.rows.map(({ name }) => name)).toEqual(['file-9999']);
    const used = pauses();
    expect(used).toBeGreaterThan(5);
    await page({ offset: 100 });
    expect(pauses()).toBe(used);
    registry.add(cs1, 'one more', 1);
    expect((await page({ offset: 40_000 })).rows[0]?.name).toBe('one more');
    expect(pauses() - used).toBeLessThan(4);
  });
});

describe('sortInSlices', () => {
  it('sorts as Array.sort does, stable', async () => {
    const items = Array.from({ length: 30_000 }, (_, at) => ({ key: (at * 31) % 97, at }));
    const sorted = await sortInSlices(
      items,
      (a, b) => a.key - b.key,
      async () => {},
    );
    expect(sorted).toEqual([...items].sort((a, b) => a.key - b.key));
  });

  it('merges', async () => {
    const sorted = fc.array(fc.integer()).map((list) => list.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(sorted, sorted, async (left, right) => {
        const merged = await mergeInSlices(
          left,
          right,
          (a, b) => a - b,
          async () => {},
        );
        expect(merged).toEqual([...left, ...right].sort((a, b) => a - b));
      }),
    );
  });
});
