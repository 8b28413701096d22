import { describe, expect, it } from 'vitest';
import type { HolderInfo } from '../../protocol/p2p-messages';
import { rankHolders, sameFile, whyTaken } from './holders';

const root = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function holder(port: number, more: Partial<HolderInfo> = {}): HolderInfo {
  const file = { extended: true, complete: true, size: 10, root: root(1), uploads: 0, slots: 4 };
  return { host: '127.0.0.1', port, peer: String(port), ...file, ...more };
}

const ports = (holders: HolderInfo[]): number[] => holders.map(({ port }) => port);

describe('the choice of holders', () => {
  it('takes the least congested first, and those with the whole file before those with a part', () => {
    const holders = [
      holder(1, { uploads: 3 }),
      holder(2, { uploads: 1 }),
      holder(3, { complete: false }),
      holder(4, { uploads: 0, slots: 0 }),
    ];
    expect(ports(rankHolders(holders, () => 0.5))).toEqual([2, 4, 1, 3]);
    expect(holders.map(whyTaken)).toEqual([
      '3 of 4 upload slots were taken; has the whole file',
      '1 of 4 upload slots were taken; has the whole file',
      '0 of 4 upload slots were taken; has a part of the file',
      'says nothing of its load; has the whole file',
    ]);
  });

  it('orders equals by the dice, so that not everybody asks the same one', () => {
    const dice = [0.9, 0.1];
    expect(ports(rankHolders([holder(1), holder(2)], () => dice.shift() ?? 0))).toEqual([2, 1]);
  });

  it('means the file that most have in full, and keeps those who do not know yet', () => {
    const other = { root: root(2) };
    const holders = [holder(1, other), holder(2), holder(3), holder(4, { root: root(0) })];
    expect(ports(sameFile(holders))).toEqual([2, 3, 4]);
    const parts = Array.from({ length: 5 }, (_, at) => holder(10 + at, { ...other, complete: false }));
    expect(ports(sameFile([...parts, holder(2)]))).toEqual([2]);
  });
});
