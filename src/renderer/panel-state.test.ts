import { describe, expect, it } from 'vitest';
import { createPanelStore } from './panel-state';
import { tokenFromHash } from './studio-client';
import { FakeTransport } from './testing/fake-transport';
import { tellWatch, watchOf } from './watch';

function memory(text?: string) {
  const values = new Map(text === undefined ? [] : [['micro-cdn-studio.layout', text]]);
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    values,
  };
}

describe('the layout', () => {
  it('survives a reload, the selection does not', () => {
    const storage = memory();
    const panel = createPanelStore(storage);
    panel.patch({ dockHeight: 333, selection: ['a'] });
    const next = createPanelStore(storage).get();
    expect(next.dockHeight).toBe(333);
    expect(next.selection).toEqual([]);
  });

  it.each(['', '{', 'null', '7', '{"dockHeight":"tall","dockOpen":1,"unknown":2,"guideHidden":{}}'])(
    'is the default one where what is stored is %s',
    (text) => {
      expect(createPanelStore(memory(text)).get()).toEqual(createPanelStore(memory()).get());
    },
  );

  it('works where storage is forbidden', () => {
    const panel = createPanelStore({
      getItem: () => {
        throw new Error('SecurityError');
      },
      setItem: () => {
        throw new Error('QuotaExceededError');
      },
    });
    panel.patch({ dockOpen: false });
    expect(panel.get().dockOpen).toBe(false);
  });
});

it('keeps what was edited by node until it is applied or discarded', () => {
  const panel = createPanelStore(memory());
  panel.keepDraft('a', { port: 1 });
  panel.keepDraft('b', { port: 2 });
  panel.select(['b']);
  panel.keepDraft('a', {});
  expect(panel.get().drafts).toEqual({ b: { port: 2 } });
});

describe('watchOf', () => {
  const panel = (change: object) => ({ ...createPanelStore(memory()).get(), ...change });
  const nodes = ['a', 'b'];
  it('asks for the log and the messages that are on the screen, and for nothing else', () => {
    expect(watchOf(panel({ selection: ['a'], inspectorTab: 'logs' }), nodes, true)).toEqual({
      visible: true,
      logs: ['a'],
      messages: [],
    });
    expect(watchOf(panel({ dockTab: 'messages' }), nodes, true).messages).toEqual(['a', 'b']);
    expect(watchOf(panel({ dockTab: 'messages', messageNodes: ['b'] }), nodes, true).messages).toEqual(['b']);
    expect(watchOf(panel({ dockTab: 'messages', dockOpen: false }), nodes, true).messages).toEqual([]);
  });
  it('asks for nothing while the page is hidden', () => {
    const shown = panel({ selection: ['a'], inspectorTab: 'logs', dockTab: 'messages' });
    expect(watchOf(shown, nodes, false)).toEqual({ visible: false, logs: [], messages: [] });
  });
});

describe('tellWatch', () => {
  it('tells every session what is looked at, also after an interruption that nobody sees', () => {
    const transport = new FakeTransport({ 'studio.watch': () => undefined });
    const watch = { visible: true, logs: ['a'], messages: [] };
    const end = tellWatch(transport, watch);
    transport.connection('reconnecting');
    transport.connection('connected');
    end();
    transport.connection('connected');
    expect(transport.calls).toEqual([
      { name: 'studio.watch', input: watch },
      { name: 'studio.watch', input: watch },
    ]);
  });
});

describe('tokenFromHash', () => {
  it('reads the token from the fragment', () => {
    expect(tokenFromHash('#token=abc-_1')).toBe('abc-_1');
    expect(tokenFromHash('')).toBe('');
  });
});
