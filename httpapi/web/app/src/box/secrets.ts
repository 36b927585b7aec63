// What the viewer typed in to be let in. It stays in this tab, and goes with it.

import { Store } from "./store.ts";

const stored = (name: string): string => {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return ""; // storage may be switched off; the tab's memory then has to do
  }
};

class Secret extends Store<string> {
  constructor(readonly name: string) {
    super(stored(name));
  }

  keep(value: string): void {
    try {
      if (value) sessionStorage.setItem(this.name, value);
      else sessionStorage.removeItem(this.name);
    } catch {
      // as above
    }
    this.set(value);
  }

  forget(): void {
    this.keep("");
  }
}

/** The key or token of http.viewer, where the box asks for one. */
export const viewerKey = new Secret("spotter.key");

/** The token of the admin API. */
export const adminToken = new Secret("spotter.admin");

/** Whether the last admin token was refused. */
export const tokenRefused = new Store(false);

/** The viewer's key that was refused last. */
export const refusedKey = new Store("");

/** Whether the box refused the viewer's key, or the lack of one. */
export const keyWanted = new Store(false);
