import { describe, expect, it } from 'vitest';
import type { WireMessage } from '../../../contract/events';
import { microCdn, spec } from '../../testing/network';
import { arrowsOf } from './arrows';

const specs = new Map([...microCdn(1), spec('client', 'client', 'Client1')].map((one) => [one.id, one]));

let seq = 0;
const record = (
  at: number,
  node: string,
  direction: 'in' | 'out',
  peer: string,
  text: string,
  transport: 'tcp' | 'udp' = 'tcp',
): WireMessage => ({ seq: seq++, at, node, direction, peer, text, transport });

const ends = (messages: WireMessage[]) =>
  arrowsOf(messages, specs).map(({ from, to, text, tookMs }) => [from, to, text, tookMs]);

describe('messages as arrows', () => {
  it('are one where both ends recorded them, though the receiver knows only a port', () => {
    const port = '127.0.0.1:40001';
    expect(
      ends([
        record(10, 'index', 'in', port, 'GET a.txt'),
        record(10, 'index', 'out', port, 'SERVER 127.0.0.1 7001 CS1 5'),
        record(10, 'client', 'out', 'index', 'GET a.txt'),
        record(30, 'client', 'in', 'index', 'SERVER 127.0.0.1 7001 CS1 5'),
      ]),
    ).toEqual([
      ['client', 'index', 'GET a.txt', 0],
      ['index', 'client', 'SERVER 127.0.0.1 7001 CS1 5', 20],
    ]);
  });

  it('are matched by their first word where the ends write them differently', () => {
    expect(
      ends([
        record(1, 'client', 'out', 'cs1', 'GET /a\nHost: x'),
        record(2, 'cs1', 'in', '127.0.0.1:9', 'GET /a HTTP/1.1\nHost: x'),
      ]),
    ).toEqual([['client', 'cs1', 'GET /a\nHost: x', 1]]);
  });

  it('of programs outside keep their address', () => {
    expect(ends([record(1, 'index', 'in', '127.0.0.1:9', 'HELLO')])).toEqual([
      ['outside:127.0.0.1:9', 'index', 'HELLO', undefined],
    ]);
  });

  it('that a receiver did not get are lost, if they are datagrams and it was looked at', () => {
    const beat = (at: number, direction: 'in' | 'out') =>
      direction === 'out'
        ? record(at, 'cs1', 'out', 'monitor', 'HEARTBEAT CS1', 'udp')
        : record(at, 'monitor', 'in', 'cs1', 'HEARTBEAT CS1', 'udp');
    const lost = (messages: WireMessage[]) => arrowsOf(messages, specs).map((arrow) => arrow.lost ?? false);
    const all = [beat(0, 'out'), beat(1, 'in'), beat(2000, 'out'), beat(5000, 'out'), beat(5001, 'in')];
    expect(lost(all)).toEqual([false, true, false]);
    expect(lost([beat(0, 'out'), beat(5000, 'out')])).toEqual([false, false]);
    expect(lost([beat(0, 'out'), beat(1, 'in'), beat(2000, 'out')])).toEqual([false, false]);
  });

  it('are in the order of time', () => {
    const messages = [record(9, 'cs1', 'out', 'index', 'B'), record(3, 'cs1', 'out', 'index', 'A')];
    expect(arrowsOf(messages, specs).map(({ kind }) => kind)).toEqual(['A', 'B']);
  });
});
