// @spotter/client: who and what is on screen, at the position that a video element shows.

import { Kept, sendEvent } from "./engage.js";
import { Follower } from "./follow.js";
import { live } from "./live.js";
import { Problem } from "./retry.js";

export { Problem };

const patience = 10_000; // ms for one answer

/** Spotter asks one box, or the CDN before it. */
export class Spotter {
  #base;
  #credential;
  #fetch;
  #kept = new Kept();

  /**
   * @param {string | URL} base such as "https://box.example"
   * @param {import("./index.d.ts").Options} options
   */
  constructor(base, { credential, fetch = globalThis.fetch } = {}) {
    this.#base = new URL(base).href.replace(/\/+$/, "");
    this.#credential = credential;
    this.#fetch = fetch.bind(globalThis);
  }

  /** All media, and how they are doing. */
  async media(options) {
    return (await this.#json("/v1/media", {}, options)).media;
  }

  /** How one media is doing. */
  status(media, options) {
    return this.#json(path(media), {}, options);
  }

  /**
   * Who and what is on screen around a position or wall-clock time. With a profile, or engage, what the viewer is shown stays the same
   * for as long as it suits.
   */
  async context(media, query, options) {
    const answer = await this.#json(`${path(media)}/context`, flat(this.#kept.query(media, query)), options);
    this.#kept.note(media, query, answer);
    return answer;
  }

  /** Says what a viewer did with the instrument of a decision: view, click, answer, convert or dismiss. */
  async event(decision, type, value) {
    if (type === "dismiss") this.#kept.forget(decision);
    const address = `${this.#base}/v1/decisions/${encodeURIComponent(decision)}/events`;
    const response = await sendEvent(this.#fetch, address, await this.#secret(), { type, value });
    if (response && !response.ok) throw await problem(response);
  }

  /** The same of many media; each element is a context, or has a problem. */
  async contexts(media, query, options) {
    return (await this.#json("/v1/context", { media: media.join(","), ...flat(query) }, options)).contexts;
  }

  /** The observations of a window. */
  timeline(media, { from, until } = {}, options) {
    return this.#json(`${path(media)}/timeline`, { from, until }, options);
  }

  /** Who and what is on screen in a window on the grid: 1, 2, 5, 10, 15, 30 or 60 s long, from a multiple of its length on. */
  async window(media, from, until, options) {
    return (await this.windowAndHold(media, from, until, options)).answer;
  }

  /** The same, and for how many milliseconds the answer holds. */
  async windowAndHold(media, from, until, options) {
    let holds = 1000;
    const read = response => {
      const control = response.headers.get("Cache-Control") ?? "";
      const age = /max-age=(\d+)/.exec(control);
      holds = control.includes("immutable") ? Infinity : Math.max(1000, 1000 * Number(age?.[1] ?? 1));
      return response.json();
    };
    const answer = await this.#ask(`${path(media)}/windows/${from}-${until}`, {}, options, read);
    return { answer, holds };
  }

  /** Is told of each new or revised observation; returns a function that ends it. */
  live(media, options) {
    return live(this, media, options);
  }

  /** Follows what a player shows, and calls back when somebody or something comes or goes. */
  follow(media, options) {
    return new Follower(this, media, options);
  }

  #json(path, query, options) {
    return this.#ask(path, query, options, response => response.json());
  }

  /** Asks, and reads the answer, for 10 s at most. */
  async #ask(path, query, { signal } = {}, read) {
    const controller = new AbortController();
    const cut = () => controller.abort(signal?.reason);
    signal?.addEventListener("abort", cut);
    if (signal?.aborted) cut();
    const late = setTimeout(() => controller.abort(new DOMException("the box does not answer", "TimeoutError")), patience);
    try {
      return await read(await this.request(path, query, controller.signal));
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", cut);
    }
  }

  /** Returns an answer that is ok; throws a Problem for any other. */
  async request(path, query, signal) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null) parameters.set(name, String(value));
    const search = parameters.size ?? [...parameters].length ? `?${parameters}` : "";
    const credential = await this.#secret();
    // A header makes a browser ask before each cross-origin request, so there is none without need.
    const headers = credential ? { Authorization: `Bearer ${credential}` } : {};
    const response = await this.#fetch(`${this.#base}${path}${search}`, { headers, signal, credentials: "omit" });
    if (response.ok) return response;
    throw await problem(response);
  }

  async #secret() {
    return typeof this.#credential === "function" ? this.#credential() : this.#credential;
  }
}

async function problem(response) {
  const body = await response.json().catch(() => ({})); // a proxy's own error is no problem+json
  return new Problem(response.status, body, 1000 * (Number(response.headers.get("Retry-After")) || 0));
}

const path = media => `/v1/media/${encodeURIComponent(media)}`;

const flat = ({ time, ...rest } = {}) => ({ ...rest, time: time instanceof Date ? time.toISOString() : time });
