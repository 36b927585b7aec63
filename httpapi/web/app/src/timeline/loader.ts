// Gets the event: what there is by the hour, the newest first, and then each observation as it comes.

import { BoxProblem, ask, mediaPath, saidBy, spotter } from "../box/ask.ts";
import { whileShown } from "../box/shown.ts";
import type { Break, Observation } from "../box/types.ts";
import { hour, hoursOf } from "./hours.ts";
import type { EventLanes, Stretch } from "./lanes.ts";

const most = 40; // stretches that are asked about at once

interface Told {
  observations: Observation[];
  breaks?: Break[];
}

export interface LoaderEvents {
  /** Something changed that is to be drawn. */
  onChange(revised: number[]): void;
  onLoading(done: number, all: number): void;
  onTrouble(text: string): void;
}

/** Loads and follows until the function that it returns is called. */
export function load(media: string, until: number | null, event: EventLanes, events: LoaderEvents): () => void {
  const stop = new AbortController();
  /** Asks again and again while the box is away; what the box refuses stays refused. */
  const patiently = async (window: Stretch): Promise<Told> => {
    for (;;) {
      try {
        const told = await ask<Told>(mediaPath(media, "/timeline"), { query: { ...window }, signal: stop.signal });
        events.onTrouble("");
        return told;
      } catch (error) {
        const passing = error instanceof BoxProblem && (error.status === 0 || error.status === 429 || error.status >= 500);
        if (stop.signal.aborted || !passing) throw error;
        events.onTrouble(`${error.message} The timeline is read on when it answers.`);
        await new Promise(resolve => setTimeout(resolve, 3_000));
      }
    }
  };
  /** Asks of each stretch without observations whether it was analysed: the timeline does not tell, a look-up does. */
  const asked = new Set<number>();
  const doubt = async () => {
    for (const { from, until } of event.gaps.filter(gap => !asked.has(gap.from) && gap.until - gap.from <= hour).slice(-most)) {
      asked.add(from);
      const position = Math.ceil(from * 1000 + 1) / 1000; // just within, for the window is closed at both ends
      const forward = Math.floor((until - position) * 1000 - 1) / 1000;
      const { complete } = await spotter.context(media, { position, forward }, { signal: stop.signal });
      if (complete) event.takeAnalysed({ from, until });
    }
    events.onChange([]);
  };
  const doubting = setInterval(() => void doubt().catch(() => undefined), 30_000);
  const past = async () => {
    if (until === null) return events.onLoading(1, 1);
    const windows = hoursOf(until);
    for (const [done, window] of windows.entries()) {
      events.onLoading(done, windows.length);
      const told = await patiently(window);
      for (const one of told.observations) event.take(one);
      for (const one of told.breaks ?? []) event.takeBreak(one);
      event.reorder();
      if (told.observations.length || done === 0) events.onChange([]);
    }
    events.onLoading(windows.length, windows.length);
    await doubt();
  };
  past().catch((error: unknown) => {
    if (stop.signal.aborted) return;
    events.onLoading(1, 1);
    events.onTrouble(`Not all of the timeline could be read: ${saidBy(error)}`);
  });
  let last: string | undefined;
  const hangUp = whileShown(() => spotter.live(media, {
    from: until ?? undefined,
    lastEventId: last,
    onId: id => (last = id),
    onObservation(one) {
      const what = event.take(one);
      if (what !== "known") events.onChange(what === "revised" ? [one.from] : []);
    },
    onBreak(one) {
      event.takeBreak(one);
      events.onChange([]);
    },
    onState: () => events.onTrouble(""),
    onError: error => events.onTrouble(`New observations do not come just now: ${saidBy(error)}`),
  }));
  return () => {
    stop.abort();
    clearInterval(doubting);
    hangUp();
  };
}
