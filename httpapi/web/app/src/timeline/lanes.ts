// The event as lanes: one for each celebrity and object, with the spans in which it was seen.

import type { Break, Entity, Observation } from "../box/types.ts";

export type Kind = "celebrity" | "object";

/** One entity of one observation. */
export interface Sight {
  observation: Observation;
  entity: Entity;
}

/** Spans drawn as one from a distance: two arrays, so that thousands are walked through in a fraction of a frame. */
export interface Runs {
  from: Float64Array;
  until: Float64Array;
}

/** Runs of each level join spans with gaps of at most so many seconds. */
export const tolerances = [0.05, 2, 8, 32] as const;

export class Lane {
  /** In order of from, once settle was called. */
  sights: Sight[] = [];
  /** How long it was seen, in seconds. */
  seen = 0;
  /** The longest span: how far back a search has to begin. */
  longest = 0;
  #ordered = true;
  #runs: (Runs | undefined)[] = [];

  constructor(readonly key: string, readonly kind: Kind, readonly name: string, readonly id: string | undefined) {}

  add(sight: Sight): void {
    const { from, until } = sight.observation;
    const last = this.sights.at(-1);
    if (last && last.observation.from > from) this.#ordered = false;
    this.sights.push(sight);
    this.seen += until - from;
    this.longest = Math.max(this.longest, until - from);
    this.#runs = [];
  }

  remove(observation: Observation): void {
    // The newest are revised most, so the search begins at the end.
    const at = this.sights.findLastIndex(s => s.observation === observation);
    if (at < 0) return;
    this.sights.splice(at, 1);
    this.seen -= observation.until - observation.from;
    this.#runs = [];
  }

  settle(): void {
    if (this.#ordered) return;
    this.sights.sort((a, b) => a.observation.from - b.observation.from);
    this.#ordered = true;
    this.#runs = [];
  }

  /** Index of the first sight that may still be on screen at a position. */
  firstAt(position: number): number {
    this.settle();
    return lowerBound(this.sights.length, i => this.sights[i]!.observation.from >= position - this.longest);
  }

  /** What was seen at a position; of several the newest. */
  at(position: number, slack = 0): Sight | null {
    let found: Sight | null = null;
    for (let i = this.firstAt(position - slack); i < this.sights.length; i++) {
      const { from, until } = this.sights[i]!.observation;
      if (from > position + slack) break;
      if (until > position - slack) found = this.sights[i]!;
      if (found && from > position) break;
    }
    return found;
  }

  /** The runs of a level of tolerances. */
  runs(level: number): Runs {
    this.settle();
    return (this.#runs[level] ??= joined(this.sights.map(s => s.observation), tolerances[level] ?? 0));
  }
}

/** Joins spans, in order of from, whose gaps are at most tolerance. */
export function joined(spans: readonly { from: number; until: number }[], tolerance: number): Runs {
  const from = new Float64Array(spans.length);
  const until = new Float64Array(spans.length);
  let n = 0;
  for (const span of spans) {
    if (n > 0 && span.from - until[n - 1]! <= tolerance) {
      until[n - 1] = Math.max(until[n - 1]!, span.until);
      continue;
    }
    from[n] = span.from;
    until[n++] = span.until;
  }
  return { from: from.slice(0, n), until: until.slice(0, n) };
}

/** The first index of n for which yes holds, where it holds for all after it too. */
export function lowerBound(n: number, yes: (i: number) => boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (yes(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Stretch {
  from: number;
  until: number;
}

const leastGap = 0.5; // s; less is between two keyframes

/** EventLanes has all that is known of one event, and takes revisions as they come. */
export class EventLanes {
  #observations = new Map<number, Observation>(); // by from, which is an observation's key
  #lanes = new Map<string, Lane>();
  #breaks = new Map<string, Break>();
  #order: Lane[] | null = null;
  #gaps: Stretch[] | null = null;
  #newest: Observation | null = null;
  #analysed: Stretch[] = [];

  get size(): number {
    return this.#observations.size;
  }

  get breaks(): Iterable<Break> {
    return this.#breaks.values();
  }

  observation(from: number): Observation | undefined {
    return this.#observations.get(from);
  }

  /** Takes an observation; says whether it is new, a revision, or known already. */
  take(next: Observation): "new" | "revised" | "known" {
    const before = this.#observations.get(next.from);
    // The same revision with another end is the scene that goes on.
    if (before && (before.revision > next.revision || (before.revision === next.revision && before.until >= next.until))) return "known";
    if (before) this.#each(before, (lane) => lane.remove(before));
    this.#observations.set(next.from, next);
    if (!this.#newest || next.from >= this.#newest.from) this.#newest = next;
    this.#each(next, (lane, entity) => lane.add({ observation: next, entity }));
    if (before) this.#each(before, (lane) => this.#settle(lane));
    this.#each(next, (lane) => this.#settle(lane));
    this.#gaps = null;
    return before ? "revised" : "new";
  }

  /** That a scene goes on is no event: the newest lasts to where the analysis is, until its end is told as a revision. */
  lasts(until: number): void {
    const newest = this.#newest;
    if (newest && newest.until < until) this.take({ ...newest, until });
  }

  /** The box says that a stretch was analysed, though nothing was observed in it. */
  takeAnalysed(stretch: Stretch): void {
    this.#analysed.push(stretch);
    this.#gaps = null;
  }

  takeBreak(next: Break): void {
    this.#breaks.set(`${next.from} ${next.id}`, next);
    this.#gaps = null;
  }

  #each(o: Observation, visit: (lane: Lane, entity: Entity) => void): void {
    for (const entity of o.celebrities) visit(this.#lane("celebrity", entity), entity);
    for (const entity of o.objects) visit(this.#lane("object", entity), entity);
  }

  /** A lane goes from sight with the last that was seen in it, and comes back with the first; the others stay where they are. */
  #settle(lane: Lane): void {
    if (!this.#order || this.#order.includes(lane) === lane.sights.length > 0) return;
    this.#order = lane.sights.length > 0 ? null : this.#order.filter(one => one !== lane);
  }

  #lane(kind: Kind, { id, name }: Entity): Lane {
    const key = `${kind}\n${id ?? ""}\n${name}`;
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = new Lane(key, kind, name, id);
      this.#lanes.set(key, lane);
      this.#order = null;
    }
    return lane;
  }

  lane(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /** Celebrities first; of each kind those that were seen longest. It stays until reorder, so that lanes do not jump while looked at. */
  get lanes(): Lane[] {
    return (this.#order ??= [...this.#lanes.values()].filter(l => l.sights.length > 0).sort(
      (a, b) => Number(a.kind === "object") - Number(b.kind === "object") || b.seen - a.seen || a.name.localeCompare(b.name)));
  }

  reorder(): void {
    this.#order = null;
  }

  /** From the first to the last that was observed; null before there is anything. */
  get extent(): Stretch | null {
    const { from, until } = this.#covered;
    return from.length ? { from: from[0]!, until: until.at(-1)! } : null;
  }

  #all: Runs | null = null;
  get #covered(): Runs {
    if (this.#gaps && this.#all) return this.#all;
    const spans: Stretch[] = [...this.#observations.values()];
    for (const b of this.#breaks.values()) if (b.skipped) spans.push(b); // skipped on purpose is no gap
    spans.push(...this.#analysed);
    this.#all = joined(spans.sort((a, b) => a.from - b.from), leastGap);
    this.#gaps = [];
    for (let i = 1; i < this.#all.from.length; i++) this.#gaps.push({ from: this.#all.until[i - 1]!, until: this.#all.from[i]! });
    return this.#all;
  }

  /** Where nothing was analysed, as far as is known: what no observation covers, nor was said to be analysed though nothing was seen. */
  get gaps(): Stretch[] {
    void this.#covered;
    return this.#gaps ?? [];
  }
}
