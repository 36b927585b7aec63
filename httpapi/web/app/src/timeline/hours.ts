// Which windows of the timeline are asked for.

export const hour = 3600; // of whole hours the answers never change once they are past, so the browser keeps them
const farthest = 24 * hour;

/** The windows to ask for, the newest first. */
export function hoursOf(until: number): { from: number; until: number }[] {
  const last = Math.floor(until / hour);
  const first = Math.max(-1, last - farthest / hour);
  return Array.from({ length: last - first + 1 }, (_, i) => ({ from: (last - i) * hour, until: (last - i + 1) * hour }));
}
