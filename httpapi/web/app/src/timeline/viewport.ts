// Which part of the event is looked at.

export interface Viewport {
  /** Position at the left edge. */
  from: number;
  /** Seconds from edge to edge. */
  span: number;
}

export interface Limits {
  from: number;
  until: number;
}

const closest = 4; // seconds from edge to edge

/** Keeps a viewport within the event, with a margin of a twentieth. */
export function within(view: Viewport, { from, until }: Limits): Viewport {
  const length = Math.max(until - from, closest);
  const span = Math.min(Math.max(view.span, closest), length * 1.1);
  const margin = span / 20;
  const lowest = from - margin;
  const highest = Math.max(lowest, until + margin - span);
  return { from: Math.min(Math.max(view.from, lowest), highest), span };
}

/** Zooms so that the position that is at a share (0 left, 1 right) stays there. */
export function zoomed(view: Viewport, factor: number, share: number, limits: Limits): Viewport {
  const span = Math.min(Math.max(view.span * factor, closest), Math.max(limits.until - limits.from, closest) * 1.1);
  return within({ from: view.from + share * (view.span - span), span }, limits);
}

/** Moves by a share of the width. */
export const panned = (view: Viewport, share: number, limits: Limits): Viewport =>
  within({ from: view.from + share * view.span, span: view.span }, limits);

/** All of the event. */
export const whole = ({ from, until }: Limits): Viewport => {
  const span = Math.max(until - from, closest) * 1.04;
  return { from: from - span / 52, span };
};

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

/** The distance of ticks, at least so many pixels apart. */
export function tickStep(span: number, width: number, apart: number): number {
  const least = (span / Math.max(width, 1)) * apart;
  return steps.find(step => step >= least) ?? steps.at(-1)!;
}
