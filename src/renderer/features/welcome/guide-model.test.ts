import { describe, expect, it } from 'vitest';
import type { TransferView } from '../../../contract/events';
import { reduce, type StudioState } from '../../studio-store';
import { microCdn, snapshotOf, view } from '../../testing/network';
import { advance, currentStep, emptyTour, suitsTour, tourFile } from './guide-model';

const studio = (change: Parameters<typeof snapshotOf>[1] = {}): StudioState =>
  reduce(null, { type: 'snapshot', snapshot: snapshotOf(microCdn(2), change), now: 0 }) as StudioState;

describe('the tour', () => {
  const transfer = (startedAt: number): TransferView => ({
    id: `t${startedAt}`,
    name: tourFile,
    client: 'c',
    phase: 'done',
    bytes: 1,
    bytesPerSecond: 0,
    startedAt,
    segments: [],
    marks: [],
  });
  const index = (status: string) =>
    view('index', { snapshot: { servers: [{ serverId: 'CS1', host: '127.0.0.1', tcpPort: 7001, status }] } });

  it('follows what happens, step by step', () => {
    let tour = advance(emptyTour, studio(), 10);
    expect(tour).toBe(emptyTour);
    tour = advance(tour, studio({ transfers: [transfer(5)] }), 20);
    expect(currentStep(tour)).toBe('kill');
    const dead = view('cs1', { phase: 'crashed' });
    tour = advance(tour, studio({ transfers: [transfer(5)], nodes: [index('alive'), dead] }), 30);
    expect(currentStep(tour)).toBe('noticed');
    tour = advance(tour, studio({ transfers: [transfer(5)], nodes: [index('dead'), dead] }), 40);
    expect(currentStep(tour)).toBe('again');
    tour = advance(
      tour,
      studio({ transfers: [transfer(5), transfer(45)], nodes: [index('dead'), dead] }),
      50,
    );
    expect(currentStep(tour)).toBe('restart');
    tour = advance(tour, studio({ nodes: [index('alive'), view('cs1')] }), 60);
    expect(currentStep(tour)).toBeNull();
  });

  it('does not count a download from before the kill as the second one', () => {
    const dead = [index('dead'), view('cs1', { phase: 'crashed' })];
    const tour = advance(
      { done: { download: 1, kill: 30 } },
      studio({ transfers: [transfer(5)], nodes: dead }),
      40,
    );
    expect(currentStep(tour)).toBe('again');
  });

  it('is offered where there is something to fail over to', () => {
    expect(suitsTour(studio().specs)).toBe(true);
    const [first, second] = microCdn(1);
    expect(suitsTour(new Map([first, second].flatMap((one) => (one ? [[one.id, one] as const] : []))))).toBe(
      false,
    );
  });
});
