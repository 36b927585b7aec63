// Pictures of admitted frames for the strip above the lanes. Few are asked for, and few are kept.

import { ask, keyedAddress, mediaPath } from "../box/ask.ts";
import type { Thumbnail } from "../box/types.ts";
import { lowerBound, type Stretch } from "./lanes.ts";

const patience = 250; // ms for which the viewport must rest before anything is asked
const again = 20_000; // ms after which the same is asked again
const most = 240; // pictures that are kept
const widest = 3600; // seconds of a question; a wider strip is asked for around its slots alone

interface Picture extends Thumbnail {
  image: HTMLImageElement;
  ready: boolean;
}

export class Thumbnails {
  #known: Thumbnail[] = []; // in order of position
  #pictures = new Map<number, Picture>();
  #asked = new Map<string, number>(); // when
  #wanted = "";
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = new AbortController();

  constructor(readonly media: string, readonly onPicture: () => void) {}

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  /** Asks for what these slots need, once they rest. */
  want(slots: readonly Stretch[]): void {
    const key = `${slots[0]?.from} ${slots.at(-1)?.until}`;
    // Drawing the same again is no move. What is at the live edge is asked for again now and then.
    if (key === this.#wanted && Date.now() - this.#since < again) return;
    this.#wanted = key;
    this.#since = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(slots), patience);
  }

  async #load(slots: readonly Stretch[]): Promise<void> {
    const first = slots[0];
    const last = slots.at(-1);
    if (!first || !last) return;
    const windows: Stretch[] = last.until - first.from <= widest
      ? [{ from: Math.floor(first.from / 60) * 60, until: Math.ceil(last.until / 60) * 60 }]
      : slots.map(({ from, until }) => ({ from, until: Math.min(until, from + 60) }));
    for (const { from, until } of windows) {
      const key = `${from}-${until}`;
      if (until <= 0 || Date.now() - (this.#asked.get(key) ?? 0) < again) continue;
      this.#asked.set(key, Date.now());
      try {
        const query = { from: Math.max(0, from), until };
        const told = await ask<{ thumbnails: Thumbnail[] }>(mediaPath(this.media, "/thumbnails"), { query, signal: this.#stopped.signal });
        this.#note(told.thumbnails);
      } catch {
        return; // the timeline is good without pictures; the next rest asks again
      }
    }
    this.onPicture();
  }

  #note(told: Thumbnail[]): void {
    const known = new Map(this.#known.map(one => [one.position, one]));
    for (const one of told) known.set(one.position, one);
    this.#known = [...known.values()].sort((a, b) => a.position - b.position);
  }

  /** The picture for a slot, or null while there is none. */
  at({ from, until }: Stretch): Picture | null {
    const one = this.#known[lowerBound(this.#known.length, i => this.#known[i]!.position >= from)];
    return one && one.position < until ? this.#picture(one) : null;
  }

  #picture(one: Thumbnail): Picture | null {
    let picture = this.#pictures.get(one.position);
    if (!picture) {
      const image = new Image(one.width, one.height);
      const next: Picture = { ...one, image, ready: false };
      image.onload = () => {
        next.ready = true;
        this.onPicture();
      };
      image.src = keyedAddress(one.url);
      this.#pictures.set(one.position, next);
      if (this.#pictures.size > most) this.#pictures.delete(this.#pictures.keys().next().value!);
      picture = next;
    }
    return picture.ready ? picture : null;
  }
}
