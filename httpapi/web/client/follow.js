// Follows what a player shows, and says when something comes or goes.

import { Contexts, Live, Locator, Windows, breakKey, entityKey } from "./sources.js";

const tick = 250; // ms between two looks, at normal speed
const lead = 2; // seconds before the next window is needed, at normal speed

/** What a player shows: a position where positions are known, else a wall-clock time; null where neither is. */
export function whereOf({ video, hls, zero, at }) {
  const media = video?.currentTime ?? 0;
  if (at) {
    const told = at();
    if (told === null || told === undefined) return null;
    return told instanceof Date ? clock(told, media) : { position: told, media };
  }
  if (zero instanceof Date) return { time: new Date(zero.getTime() + media * 1000), media };
  if (typeof zero === "number") return { position: media + zero, media };
  if (hls) return hls.playingDate ? clock(hls.playingDate, media) : null;
  const start = video?.getStartDate?.(); // Safari
  if (start && !Number.isNaN(start.getTime())) return { time: new Date(start.getTime() + media * 1000), media };
  return { position: media, media };
}

function clock(time, media) {
  return Number.isNaN(time.getTime()) ? null : { time, media };
}

const sources = { windows: Windows, context: Contexts, live: Live };

/** Follower is what Spotter.follow returns. */
export class Follower {
  #options;
  #abort = new AbortController();
  #source;
  #locator;
  #timer;
  #shown = null; // by kind and key
  #complete;

  constructor(client, media, options) {
    this.#options = { via: "windows", window: 5, backward: 0, forward: 0, ...options };
    const { via, window } = this.#options;
    if (!sources[via]) throw new TypeError(`via must be one of ${Object.keys(sources).join(", ")}`);
    const onError = error => this.#abort.signal.aborted || this.#options.onError?.(error);
    this.media = media;
    this.#source = new sources[via](client, media, via === "context" ? 1000 : window, this.#abort.signal, onError);
    this.#locator = new Locator(client, media, this.#abort.signal, onError);
    this.#listen("addEventListener");
    this.#step();
  }

  /** Ends it; nothing is called back any more. */
  stop() {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#listen("removeEventListener");
    this.#source.stop();
    this.#locator.stop();
  }

  #listen(verb) {
    for (const name of ["seeked", "play", "pause", "ratechange"]) this.#options.video?.[verb]?.(name, this.#step);
    globalThis.document?.[verb]("visibilitychange", this.#step);
  }

  get #hidden() {
    const page = globalThis.document;
    return !!page?.hidden && page.pictureInPictureElement !== this.#options.video;
  }

  #step = () => {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    if (this.#hidden) {
      if (this.#source instanceof Live) this.#source.stop();
      return; // visibilitychange goes on
    }
    const speed = Math.max(1, Math.abs(this.#options.video?.playbackRate ?? 1));
    this.#timer = setTimeout(this.#step, tick / speed);
    try {
      this.#look(speed);
    } catch (error) {
      this.#options.onError?.(error);
    }
  };

  #look(speed) {
    const where = whereOf(this.#options);
    const position = where && this.#locator.position(where);
    if (position === null) return;
    const { backward, forward, video } = this.#options;
    const view = this.#source.look(round(position - backward), round(position + forward), { ahead: lead * speed, paused: !!video?.paused });
    if (view) this.#compare(view, position);
  }

  #compare(view, position) {
    const now = new Map();
    const add = (kind, list, key) => list.forEach(one => now.set(`${kind}\n${key(one)}`, { kind, ...one }));
    add("celebrity", view.celebrities, entityKey);
    add("object", view.objects, entityKey);
    add("break", view.breaks, breakKey);
    const before = this.#shown ?? new Map();
    const entered = [...now].filter(([key]) => !before.has(key)).map(([, one]) => one);
    const left = [...before].filter(([key]) => !now.has(key)).map(([, one]) => one);
    const same = this.#shown && this.#complete === view.complete && !entered.length && !left.length;
    this.#shown = now;
    this.#complete = view.complete;
    if (same) return;
    const { celebrities, objects, breaks, complete } = view;
    this.#options.onChange({ media: this.media, position: round(position), entered, left, celebrities, objects, breaks, complete });
  }
}

/** Positions are exact to the millisecond. */
const round = seconds => Math.round(seconds * 1000) / 1000;
