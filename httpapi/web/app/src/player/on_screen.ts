import type { Context } from "../../../client/index.js";
import type { Sighting } from "../box/types.ts";

/** To where an answer knows anything. */
export const knownUntil = (answer: Context): number => Math.min(answer.until, answer.analyzed_until ?? answer.until);

/** Whether it is on screen at a position. What lasts to where anything is known is taken to last until the next answer. */
export const isOn = (one: Sighting, position: number, known: number): boolean =>
  one.from <= position + 0.05 && (one.until > position || one.until >= known);
