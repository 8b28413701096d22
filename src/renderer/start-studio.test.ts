import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { MenuEntry } from '../contract/bridge';
import { startStudio } from './start-studio';
import { FakeTransport } from './testing/fake-transport';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('opens its own dialog, with what would be stopped, when the menu is to open a workspace', () => {
  let choose: (entry: MenuEntry) => void = () => {};
  const onMenu = (onEntry: typeof choose): void => {
    choose = onEntry;
  };
  const { panel } = startStudio({ transport: new FakeTransport({}), onMenu });
  expect(panel.get().dialog).toBeNull();
  choose('open-workspace');
  expect(panel.get().dialog).toEqual({ kind: 'open-workspace' });
});
