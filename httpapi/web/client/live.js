// Server-sent events over fetch, which can send headers and can try again after any answer; EventSource can do neither.

import { Backoff, Problem, pause } from "./retry.js";

const silence = 45_000; // ms without a byte after which a connection counts as dead; the server says something every 15 s
const longest = 1 << 20; // characters of one event

/** @typedef {{type: string, data: string, id?: string, retry?: number}} ServerEvent an empty type: an id or a retry alone */

/** Reads server-sent events (WHATWG HTML, section 9.2.6) from the chunks of text that are given to push. */
export class EventParser {
  #rest = "";
  #data = [];
  #event = { type: "" };

  /** @param {string} text @returns {ServerEvent[]} the events that it completes */
  push(text) {
    this.#rest += text;
    if (this.#rest.length > longest) throw new Error("an event is too long");
    const events = [];
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.#rest); // a \r at the end may be half of a \r\n
      if (!end) return events;
      const line = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      const done = this.#line(line);
      if (done) events.push(done);
    }
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event.type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#event.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.#event.retry = Number(value);
    return null;
  }

  #dispatch() {
    const event = { ...this.#event, data: this.#data.join("\n") };
    if (this.#data.length === 0) event.type = "";
    else event.type ||= "message";
    this.#data = [];
    this.#event = { type: "" };
    return event.type || event.id !== undefined || event.retry !== undefined ? event : null;
  }
}

/**
 * Follows /live until the function that it returns is called. Each observation comes at least once: of one media and `from` keep the
 * one with the highest revision.
 */
export function live(client, media, options = {}) {
  const controller = new AbortController();
  run(client, media, options, controller.signal);
  return () => controller.abort();
}

async function run(client, media, options, stopped) {
  const backoff = new Backoff();
  const state = { id: options.lastEventId, retry: undefined };
  while (!stopped.aborted) {
    let failure;
    try {
      failure = await connect(client, media, options, state, backoff, stopped);
    } catch (error) {
      failure = error;
    }
    if (stopped.aborted) return;
    if (failure) options.onError?.(failure);
    await pause(backoff.after(failure, state.retry), stopped);
  }
}

/** Reads one connection to its end; returns why the server ended it, if it said so. */
async function connect(client, media, options, state, backoff, stopped) {
  const connection = new AbortController();
  const cut = () => connection.abort();
  stopped.addEventListener("abort", cut);
  const silent = () => connection.abort(new DOMException("the stream went silent", "TimeoutError"));
  let watch = setTimeout(silent, silence);
  try {
    const query = state.id ? { last_event_id: state.id } : { from: options.from };
    const response = await client.request(`/v1/media/${encodeURIComponent(media)}/live`, query, connection.signal);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || stopped.aborted) return undefined;
      clearTimeout(watch);
      watch = setTimeout(silent, silence);
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (event.retry !== undefined) state.retry = event.retry;
        const end = deliver(event, options);
        if (event.id) {
          state.id = event.id; // after the callback: one that throws gets the event again
          options.onId?.(event.id);
        }
        if (end) return end;
        backoff.reset();
      }
    }
  } finally {
    clearTimeout(watch);
    stopped.removeEventListener("abort", cut);
    connection.abort();
  }
}

function deliver(event, options) {
  switch (event.type) {
    case "observation":
      options.onObservation?.(JSON.parse(event.data));
      break;
    case "break":
      options.onBreak?.(JSON.parse(event.data));
      break;
    case "state":
      options.onState?.(JSON.parse(event.data));
      break;
    case "error": {
      const { reason } = JSON.parse(event.data);
      // Who is behind goes on at once; a media that is gone may come back.
      return new Problem(reason === "behind" ? 503 : 404, { detail: `the stream ended: ${reason}` }, 0);
    }
  }
  return null;
}
