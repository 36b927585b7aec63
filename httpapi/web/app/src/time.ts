// Positions and times as people read them.

/** A position as h:mm:ss, with tenths where asked; positions before zero have a minus sign. */
export function clockOf(position: number | null | undefined, digits: 0 | 1 | 3 = 0): string {
  if (position === null || position === undefined || !Number.isFinite(position)) return "–";
  const unit = 10 ** digits;
  const all = Math.round(Math.abs(position) * unit); // rounded first, so that 59.96 is 1:00.0 and not 0:60.0
  const whole = Math.floor(all / unit);
  const two = (n: number) => String(n).padStart(2, "0");
  const text = `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  const fraction = digits ? `.${String(all % unit).padStart(digits, "0")}` : "";
  return `${position < 0 && all > 0 ? "−" : ""}${text}${fraction}`;
}

/** A span of positions; the hour of its end is left out where it is that of its beginning. */
export function spanOf(from: number, until: number): string {
  const end = clockOf(until, 1);
  const hour = (text: string) => text.slice(0, text.indexOf(":") + 1);
  const begin = clockOf(from, 1);
  return `${begin}–${hour(begin) === hour(end) ? end.slice(hour(end).length) : end}`;
}

/** Reads h:mm:ss, mm:ss or seconds; null for anything else. */
export function positionOf(text: string): number | null {
  const match = /^\s*([-−]?)(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d{1,3})?)\s*$/.exec(text);
  if (!match) return null;
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = match;
  const value = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign ? -value : value;
}

/** A length of time, in the unit that suits it. */
export function lengthOf(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.95) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** The time of day in the viewer's zone. */
export const timeOf = (at: Date | string | null): string => format(timeFormat, at);

/** Day and time in the viewer's zone. */
export const dayOf = (at: Date | string | null): string => format(dayFormat, at);

function format(how: Intl.DateTimeFormat, at: Date | string | null): string {
  const date = at === null ? null : new Date(at);
  return date && !Number.isNaN(date.getTime()) ? how.format(date) : "–";
}

/** The viewer's zone, such as Europe/Lisbon. */
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * The wall-clock time of a position of a media that is on air, by the viewer's clock: the live edge is now. Good to some seconds, which is
 * what a time beside a position is for.
 */
export function wallTimeOf(position: number, liveEdge: number | null, now: Date): Date | null {
  return liveEdge === null ? null : new Date(now.getTime() - (liveEdge - position) * 1000);
}
