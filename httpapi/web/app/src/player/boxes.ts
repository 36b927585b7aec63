// Where on the picture is who and what: as the newest looked-at picture had it, for a moment.

import type { Box, Thumbnail } from "../box/types.ts";
import type { Context } from "../../../client/index.js";
import { lowerBound } from "../timeline/lanes.ts";
import { isOn, knownUntil } from "./on_screen.ts";

/** A box on the picture. */
export interface Framed {
  key: string;
  kind: "celebrity" | "object";
  name: string;
  box: Box;
  /** 1 where it is right, less the older it is. */
  opacity: number;
}

const fresh = 0.7; // seconds for which a box is drawn as it was
const faded = 1.5; // seconds after which it is gone: whoever it is has moved

/** The boxes to draw at a position: of the newest picture at or before it, as far as who they are of is still on screen. */
export function framesOf(pictures: readonly Thumbnail[], answer: Context | null, position: number): Framed[] {
  const newest = pictures[lowerBound(pictures.length, i => pictures[i]!.position > position + 0.05) - 1];
  if (!newest || !answer) return [];
  const age = position - newest.position;
  const opacity = Math.min(1, (faded - age) / (faded - fresh));
  if (opacity <= 0) return [];
  const known = knownUntil(answer);
  const times = new Map<string, number>(); // a name may be there more than once
  return newest.boxes.flatMap(({ name, id, kind, left, top, width, height }) => {
    const of = kind === "celebrity" ? answer.celebrities : answer.objects;
    if (!of.some(s => (id && s.id ? s.id === id : s.name === name) && isOn(s, position, known))) return [];
    const key = `${kind} ${id ?? ""} ${name}`;
    const n = times.get(key) ?? 0;
    times.set(key, n + 1);
    return [{ key: `${key} ${n}`, kind, name, opacity, box: { left, top, width, height } }];
  });
}
