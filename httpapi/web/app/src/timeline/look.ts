// Measures and colours of the timeline.

import type { Stretch } from "./lanes.ts";
import { tickStep, type Viewport } from "./viewport.ts";

/** Heights in CSS pixels. */
export const ruler = 24;
export const strip = 58;
export const laneHeight = 22;
export const top = ruler + strip;

export interface Colours {
  back: string;
  card: string;
  text: string;
  soft: string;
  line: string;
  celebrity: string;
  object: string;
  onBar: string;
  gap: string;
  ad: string;
  accent: string;
  warn: string;
}

const names: Record<keyof Colours, string> = {
  back: "--back", card: "--card", text: "--text", soft: "--soft", line: "--line", celebrity: "--person", object: "--object",
  onBar: "--on-bar", gap: "--gap", ad: "--ad", accent: "--accent", warn: "--warn",
};

/** The colours of the style sheet, which depend on the viewer's preference. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, style.getPropertyValue(name).trim()])) as Record<keyof Colours, string>;
}

/** Width of the lanes' names. */
export const gutterOf = (width: number): number => Math.round(Math.min(170, Math.max(92, width * 0.17)));

/** Slots of the strip, aligned so that panning keeps their pictures. */
export function slotsOf(view: Viewport, width: number): Stretch[] {
  const step = tickStep(view.span, width, 104);
  const slots: Stretch[] = [];
  for (let from = Math.floor(view.from / step) * step; from < view.from + view.span; from += step) slots.push({ from, until: from + step });
  return slots;
}
