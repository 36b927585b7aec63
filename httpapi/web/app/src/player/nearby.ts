// The pictures around the position that plays, for the boxes in them.

import { ask, mediaPath } from "../box/ask.ts";
import type { Thumbnail } from "../box/types.ts";
import type { Stretch } from "../timeline/lanes.ts";

const margin = 2; // seconds before the end of what is known at which more is asked for
const every = 2000; // ms after which the same is asked again: at the live edge pictures come
const again = 20_000; // ms to wait where the box did not answer

export class Nearby {
  pictures: readonly Thumbnail[] = []; // by position
  #window: Stretch = { from: 0, until: 0 };
  #due = 0;
  #busy = false;
  #stopped = new AbortController();

  constructor(readonly media: string, readonly onPictures: () => void) {}

  stop(): void {
    this.#stopped.abort();
  }

  /** Told where it plays, several times a second. */
  async at(position: number): Promise<void> {
    const within = position >= this.#window.from + margin && position <= this.#window.until - margin;
    if (this.#busy || document.hidden || Date.now() < this.#due || (within && Date.now() < this.#due + every)) return;
    const window = { from: Math.floor(position) - 5, until: Math.floor(position) + 15 };
    this.#busy = true;
    try {
      const told = await ask<{ thumbnails: Thumbnail[] }>(mediaPath(this.media, "/thumbnails"), { query: { ...window }, signal: this.#stopped.signal });
      this.pictures = told.thumbnails;
      this.#window = window;
      this.#due = Date.now();
      this.onPictures();
    } catch {
      this.#due = Date.now() + again; // the stream is good without boxes
    }
    this.#busy = false;
  }
}
