// What the whole box is doing, as it tells by server-sent events.

import { EventParser } from "../../../client/live.js";
import { ask, address, problemOf, saidBy, BoxProblem } from "./ask.ts";
import { keyWanted, refusedKey, viewerKey } from "./secrets.ts";
import { whileShown } from "./shown.ts";
import { Store } from "./store.ts";
import type { Overview } from "./types.ts";

/** How the page hears of the box. */
export type Hearing =
  | { how: "asking" }
  | { how: "live" }
  /** The stream of events is broken; since when, why, and whether the box still answers single questions. */
  | { how: "broken"; since: number; why: string; reachable: boolean };

export const overview = new Store<Overview | null>(null);
export const hearing = new Store<Hearing>({ how: "asking" });

/** One point of the chart of delays. */
export interface DelayPoint {
  at: number; // s, as the viewer's clock has it
  delays: Record<string, number | null>;
}

const remembered = 600; // points; at least one in 2 s, so some ten to twenty minutes
export const delays: DelayPoint[] = [];

const silence = 8_000; // ms without a byte after which the stream counts as broken; the box says something every 2 s

/** Follows the box, while the page can be seen, until the function that it returns is called. */
export function followOverview(): () => void {
  return whileShown(() => {
    const stop = new AbortController();
    void follow(stop.signal);
    return () => stop.abort();
  });
}

async function follow(stopped: AbortSignal): Promise<void> {
  for (let failures = 0; !stopped.aborted; failures++) {
    try {
      await readStream(() => (failures = 0), stopped);
      note("The box ended the stream of events.");
    } catch (error) {
      if (stopped.aborted) return;
      note(saidBy(error));
      if (error instanceof BoxProblem && error.status === 401) {
        refusedKey.set(viewerKey.value);
        keyWanted.set(true);
        await keyChange();
        failures = 0;
        continue;
      }
    }
    await askOnce();
    await new Promise(resolve => setTimeout(resolve, Math.min(5_000, 500 * 2 ** failures)));
  }
}

function note(why: string): void {
  const before = hearing.value;
  const since = before.how === "broken" ? before.since : Date.now();
  hearing.set({ how: "broken", since, why, reachable: before.how === "broken" ? before.reachable : true });
}

/** Learns whether the box is away, or only its stream of events. */
async function askOnce(): Promise<void> {
  let reachable = true;
  try {
    take(await ask<Overview>("/v1/overview"));
  } catch (error) {
    reachable = error instanceof BoxProblem && error.status > 0;
  }
  if (hearing.value.how === "broken") hearing.set({ ...hearing.value, reachable });
}

function take(told: Overview): void {
  overview.set(told);
  keyWanted.set(false);
  delays.push({ at: Date.now() / 1000, delays: Object.fromEntries(told.media.map(m => [m.media, m.delay])) });
  if (delays.length > remembered) delays.splice(0, delays.length - remembered);
}

async function readStream(heard: () => void, stopped: AbortSignal): Promise<void> {
  const cut = new AbortController();
  const leave = () => cut.abort();
  stopped.addEventListener("abort", leave);
  const tooQuiet = () => cut.abort(new BoxProblem(0, "The stream of events went silent."));
  let watch = setTimeout(tooQuiet, silence);
  try {
    // fetch and not EventSource: it can send the key as a header, and learns the status of a refusal.
    const headers: Record<string, string> = viewerKey.value ? { Authorization: `Bearer ${viewerKey.value}` } : {};
    const response = await fetch(address("/v1/overview/live"), { headers, signal: cut.signal, cache: "no-store", credentials: "omit" });
    if (!response.ok) throw await problemOf(response);
    if (!response.body) throw new BoxProblem(0, "The stream of events has no body.");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(tooQuiet, silence);
      for (const event of parser.push(value)) {
        if (event.type !== "overview") continue;
        take(JSON.parse(event.data) as Overview);
        hearing.set({ how: "live" });
        heard();
      }
    }
  } catch (error) {
    if (cut.signal.aborted) throw cut.signal.reason;
    if (error instanceof BoxProblem) throw error;
    throw new BoxProblem(0, "The connection to the box was lost.");
  } finally {
    clearTimeout(watch);
    stopped.removeEventListener("abort", leave);
    cut.abort();
  }
}

const keyChange = (): Promise<void> => new Promise(resolve => {
  const end = viewerKey.listen(() => {
    end();
    resolve();
  });
});
