// Does the box work? In one sentence.

import type { Fault, Overview } from "./box/types.ts";
import { lengthOf } from "./time.ts";

/** Seconds of delay from which on the analysis counts as behind. */
export const late = 10;

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
  if (!live.length) return { text: told.media.length ? "Nothing is on air now." : "Nothing to watch yet.", tone: "warn" };
  const worst = Math.max(...live.map(m => m.delay ?? 0));
  return { text: `All is well: ${live.length === 1 ? live[0]!.media : `${live.length} media`} live, analysed ${lengthOf(worst)} after the picture.`, tone: "good" };
}
