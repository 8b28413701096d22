/** A value that changes, and those who want to know. The state is replaced, never mutated. */
import { useCallback, useRef, useSyncExternalStore } from 'react';

export class Store<State> {
  #state: State;
  readonly #listeners = new Set<() => void>();

  constructor(initial: State) {
    this.#state = initial;
  }

  get = (): State => this.#state;

  set(state: State): void {
    if (Object.is(state, this.#state)) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/**
 * Renders again only when what `select` returns is different. `equal` is needed where `select` makes a new
 * object or array each time.
 */
export function useSelected<State, Value>(
  store: Store<State>,
  select: (state: State) => Value,
  equal: (a: Value, b: Value) => boolean = Object.is,
): Value {
  const memo = useRef<{ state: State; select: (state: State) => Value; value: Value } | null>(null);
  const read = useCallback((): Value => {
    const state = store.get();
    const last = memo.current;
    if (last && last.state === state && last.select === select) return last.value;
    const next = select(state);
    const value = last && equal(last.value, next) ? last.value : next;
    memo.current = { state, select, value };
    return value;
  }, [store, select, equal]);
  return useSyncExternalStore(store.subscribe, read);
}

/** Equality of arrays by their items. */
export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => Object.is(item, b[i])));
}

/** Equality of flat objects by their values. */
export function sameValues<T extends object>(a: T, b: T): boolean {
  if (a === b) return true;
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}
