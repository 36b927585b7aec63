import { useEffect, useState } from "preact/hooks";

/** Store has one value, and tells who listens when it is another. */
export class Store<T> {
  #value: T;
  #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  /** Returns a function that ends it. */
  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The store's value, for a component that is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, set] = useState(() => store.value);
  useEffect(() => {
    set(() => store.value); // it may have changed between the first drawing and now
    return store.listen(next => set(() => next));
  }, [store]);
  return value;
}
