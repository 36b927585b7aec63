// Where a follower gets what is on screen from. A source's look answers from what it has, and asks for what it lacks meanwhile.

import { live } from "./live.js";
import { Backoff } from "./retry.js";

/** @typedef {{celebrities: object[], objects: object[], breaks: object[], complete: boolean}} View */

/** Asker asks one question at a time, and waits after a failure. */
class Asker {
  #backoff = new Backoff();
  #notBefore = 0;
  #onError;
  busy = false;

  constructor(onError) {
    this.#onError = onError;
    globalThis.addEventListener?.("online", this.#online);
  }

  #online = () => (this.#notBefore = 0);

  get ready() {
    return !this.busy && Date.now() >= this.#notBefore;
  }

  /** Asks, unless it may not yet; returns whether it did. */
  ask(question, answer) {
    if (!this.ready) return false;
    this.busy = true;
    question().then(
      value => {
        this.#backoff.reset();
        answer(value);
      },
      error => {
        if (error?.name === "AbortError") return;
        this.#notBefore = Date.now() + this.#backoff.after(error);
        this.#onError(error);
      },
    ).finally(() => (this.busy = false));
    return true;
  }

  stop() {
    globalThis.removeEventListener?.("online", this.#online);
  }
}

/** Locator turns what a player shows into a position. */
export class Locator {
  #offset = null; // of positions from wall-clock times, in seconds
  #shift = 0; // of the wall clock from the media time, when that was asked
  #asked = 0;
  #asker;

  constructor(client, media, signal, onError) {
    Object.assign(this, { client, media, signal });
    this.#asker = new Asker(onError);
  }

  /** @param {{position?: number, time?: Date, media: number}} where @returns {number | null} null while it is not known */
  position(where) {
    if (where.position !== undefined) return where.position;
    const seconds = where.time.getTime() / 1000;
    const shift = seconds - where.media;
    const jumped = Math.abs(shift - this.#shift) > 1; // the stream's clock was set
    if (this.#offset === null || jumped || Date.now() - this.#asked > 60_000) {
      this.#asker.ask(
        () => this.client.context(this.media, { time: where.time }, { signal: this.signal }),
        answer => {
          this.#offset = answer.from - seconds;
          this.#shift = shift;
          this.#asked = Date.now();
        },
      );
    }
    return this.#offset === null || jumped ? null : seconds + this.#offset;
  }

  stop() {
    this.#asker.stop();
  }
}

/** Windows asks for windows on the grid, whose addresses all viewers share. */
export class Windows {
  #kept = new Map(); // by the window's beginning
  #asker;

  constructor(client, media, length, signal, onError) {
    Object.assign(this, { client, media, length, signal });
    this.#asker = new Asker(onError);
  }

  /** @returns {View | null} what is on screen from a position to another; ahead is how far to ask before it is needed, in seconds */
  look(from, until, { ahead, paused }) {
    const views = [];
    const last = Math.floor(until / this.length);
    for (let n = Math.floor(from / this.length); n <= last; n++) views.push(this.#window(n, until, paused));
    const next = Math.floor((until + ahead) / this.length);
    if (next > last && views.every(v => v?.covered)) this.#window(next, next * this.length, paused);
    if (views.some(v => !v)) return null;
    return cut(merge(views.map(v => v.answer)), from, until, views.every(v => v.covered));
  }

  #window(n, until, paused) {
    const from = n * this.length;
    const kept = this.#kept.get(from);
    const end = Math.min(until, from + this.length);
    const covered = !!kept && (kept.answer.complete || (kept.answer.analyzed_until ?? -Infinity) >= end);
    const holds = covered ? (paused ? Infinity : Math.max(kept.holds, 5000)) : kept?.holds ?? 0;
    if (!kept || Date.now() - kept.at > holds) {
      this.#asker.ask(
        () => this.client.windowAndHold(this.media, from, from + this.length, { signal: this.signal }),
        ({ answer, holds }) => this.#keep(from, { answer, holds, at: Date.now() }),
      );
    }
    return kept && { answer: kept.answer, covered };
  }

  #keep(from, entry) {
    this.#kept.delete(from);
    this.#kept.set(from, entry);
    if (this.#kept.size > 120) this.#kept.delete(this.#kept.keys().next().value);
  }

  stop() {
    this.#asker.stop();
  }
}

/** Contexts asks for exactly the window that is looked at: right to the millisecond, but each viewer has addresses of their own. */
export class Contexts {
  #last = null;
  #asker;

  constructor(client, media, interval, signal, onError) {
    Object.assign(this, { client, media, interval, signal });
    this.#asker = new Asker(onError);
  }

  look(from, until) {
    const last = this.#last;
    // An answer for another place says nothing of this one.
    const near = !!last && Math.abs(last.from - from) <= Math.max(2, (4 * this.interval) / 1000);
    const age = near ? Date.now() - last.at : Infinity;
    const same = near && last.from === from && last.until === until;
    if (age >= (same && last.answer.complete ? 5000 : this.interval)) {
      const position = (from + until) / 2;
      this.#asker.ask(
        () => this.client.context(this.media, { position, backward: position - from, forward: until - position }, { signal: this.signal }),
        answer => (this.#last = { answer, from, until, at: Date.now() }),
      );
    }
    return near ? { ...last.answer, breaks: last.answer.breaks ?? [] } : null;
  }

  stop() {
    this.#asker.stop();
  }
}

/** Live listens to /live, and knows of everything since the position where it began. */
export class Live {
  #observations = new Map(); // by from
  #breaks = new Map();
  #begin = null;
  #stop = null;
  #told = false;

  constructor(client, media, _length, _signal, onError) {
    Object.assign(this, { client, media, onError });
  }

  look(from, until) {
    if (this.#begin === null || from < this.#begin) this.#listen(from - 60);
    else if (!this.#stop) this.#connect();
    const newest = Math.max(...this.#observations.keys());
    const shown = { celebrities: [], objects: [], breaks: [...this.#breaks.values()] };
    for (const o of this.#observations.values()) {
      // That the newest scene goes on is no event, so it lasts until another comes or its end is told.
      if (o.from > until || (o.until <= from && o.from !== newest)) continue;
      const seen = e => ({ ...e, from: o.from, until: Math.max(o.until, o.from === newest ? until : o.until), source: o.source });
      shown.celebrities.push(...o.celebrities.map(seen));
      shown.objects.push(...o.objects.map(seen));
    }
    return this.#told ? cut(merge([shown]), from, until, newest >= until) : null;
  }

  #listen(from) {
    this.stop();
    this.#begin = from;
    this.#observations.clear();
    this.#breaks.clear();
    this.#told = false;
    this.id = undefined;
    this.#connect();
  }

  #connect() {
    this.#stop = live(this.client, this.media, {
      from: this.#begin,
      onState: () => (this.#told = true), // comes after what was there already
      onObservation: o => {
        if ((this.#observations.get(o.from)?.revision ?? -1) <= o.revision) this.#observations.set(o.from, o);
      },
      onBreak: b => this.#breaks.set(`${b.from} ${b.id}`, b),
      onError: this.onError,
    });
  }

  /** Closes the connection; the next look opens one. */
  stop() {
    this.#stop?.();
    this.#stop = null;
  }
}

/** Merges answers of windows that follow one another. */
function merge(answers) {
  const union = (name, key) => {
    const seen = new Map();
    for (const one of answers.flatMap(a => a[name] ?? [])) {
      const before = seen.get(key(one));
      const best = before && before.confidence > one.confidence ? before : one;
      seen.set(key(one), before ? { ...best, from: Math.min(before.from, one.from), until: Math.max(before.until, one.until) } : one);
    }
    return [...seen.values()];
  };
  return { celebrities: union("celebrities", entityKey), objects: union("objects", entityKey), breaks: union("breaks", breakKey) };
}

/** What makes an entity the same as another. */
export const entityKey = e => `${e.id ?? ""}\n${e.name}`;

/** What makes a break the same as another. */
export const breakKey = b => `${b.from}\n${b.id}`;

/** Leaves out what meets nothing of a closed window; a break whose end is not known goes on. */
function cut(all, from, until, complete) {
  const meets = x => x.from <= until && (x.until > from || (x.open && x.until <= x.from));
  return {
    celebrities: all.celebrities.filter(meets), objects: all.objects.filter(meets), breaks: all.breaks.filter(meets), complete,
  };
}
