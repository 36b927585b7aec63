// Does the box work? In one sentence.

import type { Fault, Overview } from "./box/types.ts";
import { lengthOf } from "./time.ts";

/** Seconds of delay from which on the analysis counts as behind. */
export const late = 10;

/** Milliseconds for which a fault counts against the whole. */
const fresh = 60_000;

/** Faults, the newest first. */
export const newestFirst = (faults: readonly Fault[]): Fault[] => [...faults].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));

/** One sentence on the whole box. */
export function verdictOf(told: Overview): { text: string; tone: "good" | "warn" | "bad" } {
  const stalled = told.media.filter(m => m.state === "stalled");
  if (stalled.length) return { text: `Stalled: ${stalled.map(m => m.media).join(", ")}.`, tone: "bad" };
  const behind = told.media.filter(m => m.state === "live" && (m.delay ?? 0) > late);
  if (behind.length) return { text: `Behind: ${behind.map(m => `${m.media} by ${lengthOf(m.delay)}`).join(", ")}.`, tone: "warn" };
  const sinks = told.sync.filter(s => s.fault);
  if (sinks.length) return { text: `Analysed here, but not synced: ${sinks.map(s => s.sink).join(", ")}.`, tone: "warn" };
  const live = told.media.filter(m => m.state === "live");
  // One that waits without a fault is before its time, or its stream was not published yet.
  const waiting = told.media.filter(m => m.state === "waiting");
  const faulty = [...waiting, ...live].filter(m => m.faults.some(f => Date.parse(told.at) - Date.parse(f.at) < fresh));
  if (faulty.length) return { text: `Faults within the last minute: ${faulty.map(m => `${m.media} (${newestFirst(m.faults)[0]!.kind})`).join(", ")}.`, tone: "warn" };
  const waits = waiting.length ? ` Waiting for the stream: ${waiting.map(m => m.media).join(", ")}.` : "";
  if (!live.length) return { text: `${told.media.length ? "Nothing is on air now." : "Nothing to watch yet."}${waits}`, tone: "warn" };
  const blind = live.filter(m => m.delay === null);
  if (blind.length) return { text: `Live, but nothing is analysed yet: ${blind.map(m => m.media).join(", ")}.`, tone: "warn" };
  const worst = Math.max(...live.map(m => m.delay ?? 0));
  return { text: `All is well: ${live.length === 1 ? live[0]!.media : `${live.length} media`} live, analysed ${lengthOf(worst)} after the picture.${waits}`, tone: "good" };
}
