// Small things that all views are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { BoxProblem, saidBy } from "../box/ask.ts";
import { dayOf, timeOf } from "../time.ts";

/** What there is to say where there is nothing to show. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="empty-title">{title}</p>{children && <p>{children}</p>}</div>;
}

/** What went wrong, with all faults. */
export function Wrong({ error, again }: { error: unknown; again?: () => void }) {
  const faults = error instanceof BoxProblem ? error.faults : [];
  return (
    <div class="wrong" role="alert">
      <p>{saidBy(error)}</p>
      {faults.length > 0 && <ul>{faults.map(fault => <li key={fault}>{fault}</li>)}</ul>}
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

/** A figure with its name. */
export function Figure({ name, children, tone = "" }: { name: string; children: ComponentChildren; tone?: string }) {
  return <div class="figure"><dt>{name}</dt><dd class={tone}>{children}</dd></div>;
}

/** A time of day in the viewer's zone; the day is told on hovering. */
export function Time({ at }: { at: string | Date | null }) {
  if (at === null) return <span>–</span>;
  return <time dateTime={new Date(at).toISOString()} title={dayOf(at)}>{timeOf(at)}</time>;
}

/** A share of a whole, as a bar. */
export function Bar({ share, tone = "", label }: { share: number; tone?: string; label: string }) {
  const value = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div class={`bar ${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={value}>
      <i style={{ width: `${value}%` }} />
    </div>
  );
}

export interface Loaded<T> {
  value: T | null;
  error: unknown;
  busy: boolean;
  again: () => void;
}

/** Asks when the component comes, when what it depends on changes, and when told to. */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, depends: unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | null; error: unknown; busy: boolean }>({ value: null, error: null, busy: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    set(before => ({ ...before, busy: true }));
    ask(stop.signal).then(
      value => stop.signal.aborted || set({ value, error: null, busy: false }),
      (error: unknown) => stop.signal.aborted || set(before => ({ ...before, error, busy: false })),
    );
    return () => stop.abort();
  }, [...depends, round]);
  return { ...state, again: () => setRound(n => n + 1) };
}

/** Draws again every so many milliseconds, and tells the time. */
export function useNow(every: number): Date {
  const [now, set] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => set(new Date()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
