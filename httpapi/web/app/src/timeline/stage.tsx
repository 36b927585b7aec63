// The canvas of the timeline: what is drawn, and what hands and keys do to it.

import { useEffect, useRef } from "preact/hooks";
import type { EventLanes, Lane } from "./lanes.ts";
import { listenTo } from "./gestures.ts";
import { gutterOf, laneHeight, top } from "./look.ts";
import { Painter, type Scene } from "./painter.ts";
import { Thumbnails } from "./thumbnails.ts";
import { panned, whole, within, zoomed, type Limits, type Viewport } from "./viewport.ts";

export interface Choice {
  lane: string;
  from: number | null;
}

/** What the toolbar does to the stage. */
export interface StageHandle {
  zoom(factor: number): void;
  all(): void;
  /** Brings a position to the middle, at most so many seconds wide. */
  show(position: number, span?: number): void;
  redraw(): void;
}

interface Props {
  media: string;
  event: EventLanes;
  lanes: readonly Lane[];
  limits: Limits;
  analyzedUntil: number | null;
  liveEdge: number | null;
  playing: number | null;
  chosen: Choice | null;
  revised: ReadonlyMap<number, number>;
  follow: boolean;
  onFollow(follow: boolean): void;
  onChoose(choice: Choice | null): void;
  /** A position was clicked. */
  onSeek(position: number): void;
  onHover(text: string, position: number | null): void;
  /** A key that edits what is chosen. */
  onKey(key: string): boolean;
  handle(handle: StageHandle): void;
}

export function Stage(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const redraw = useRef<() => void>(() => undefined);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const controls = control(element, () => latest.current);
    redraw.current = controls.redraw;
    latest.current.handle(controls);
    return controls.stop;
  }, [props.media, props.event]);
  useEffect(() => redraw.current());
  return (
    <canvas ref={canvas} class="stage" tabIndex={0} role="application" aria-roledescription="timeline" aria-describedby="stage-keys"
      aria-label={`Timeline of ${props.media}: ${props.lanes.length} lanes`} />
  );
}

interface Controls extends StageHandle {
  stop(): void;
}

function control(element: HTMLCanvasElement, props: () => Props): Controls {
  let view: Viewport = whole(props().limits);
  let untouched = true; // until somebody moves it, it shows all
  let scroll = 0;
  let asked = 0;
  const painter = new Painter(element);
  const thumbnails = new Thumbnails(props().media, () => redraw());
  const width = () => element.clientWidth;
  const height = () => element.clientHeight;
  const wide = () => Math.max(1, width() - gutterOf(width()));
  const shareOf = (x: number) => Math.min(1, Math.max(0, (x - gutterOf(width())) / wide()));
  const positionAt = (x: number) => view.from + shareOf(x) * view.span;
  const laneAt = (y: number): Lane | undefined => (y < top ? undefined : props().lanes[Math.floor((y - top + scroll) / laneHeight)]);
  const scrolled = (next: number) => Math.max(0, Math.min(next, props().lanes.length * laneHeight - (height() - top)));

  const draw = () => {
    asked = 0;
    const p = props();
    if (untouched) view = whole(p.limits);
    else if (p.follow && p.liveEdge !== null) view = within({ from: p.liveEdge - view.span * 0.96, span: view.span }, p.limits);
    scroll = scrolled(scroll);
    element.dataset.from = view.from.toFixed(3);
    element.dataset.span = view.span.toFixed(3);
    const scene: Scene = { view, scroll, now: Date.now(), lanes: p.lanes, event: p.event, analyzedUntil: p.analyzedUntil, liveEdge: p.liveEdge, playing: p.playing, chosen: p.chosen, revised: p.revised };
    if (painter.draw(scene, width(), height(), thumbnails)) setTimeout(redraw, 250);
  };
  const redraw = () => {
    asked ||= requestAnimationFrame(draw);
  };
  const change = (next: Viewport, follows = false) => {
    view = next;
    untouched = false;
    if (!follows && props().follow) props().onFollow(false);
    redraw();
  };
  const zoomBy = (factor: number, share: number) => change(zoomed(view, factor, share, props().limits), true);
  /** Buttons and keys zoom around what is chosen, or plays, where that is in sight. */
  const anchor = () => {
    const { chosen, playing } = props();
    for (const at of [chosen?.from, playing]) if (at != null && at >= view.from && at <= view.from + view.span) return (at - view.from) / view.span;
    return 0.5;
  };
  const drag = (x: number, y: number) => {
    if (x) change(panned(view, -x / wide(), props().limits));
    scroll = scrolled(scroll - y);
    redraw();
  };
  const show = (position: number, span = view.span) => {
    const shown = Math.min(view.span, span);
    change(within({ from: position - shown / 2, span: shown }, props().limits));
  };
  const reveal = (lane: string, from: number | null) => {
    const n = props().lanes.findIndex(l => l.key === lane);
    const y = n * laneHeight;
    if (n >= 0 && (y < scroll || y + laneHeight > scroll + height() - top)) scroll = scrolled(y - (height() - top) / 2);
    if (from !== null && (from < view.from || from > view.from + view.span)) show(from);
    redraw();
  };

  const unlisten = listenTo(element, shareOf, {
    zoom: zoomBy,
    drag,
    pick(x, y) {
      const lane = laneAt(y);
      if (x < gutterOf(width())) return lane && props().onChoose({ lane: lane.key, from: null });
      const position = positionAt(x);
      const sight = lane?.at(position, (2 * view.span) / wide());
      if (sight && lane) props().onChoose({ lane: lane.key, from: sight.observation.from });
      props().onSeek(position);
    },
    hover(x, y) {
      if (x < gutterOf(width())) return props().onHover(laneAt(y)?.name ?? "", null);
      props().onHover(laneAt(y)?.name ?? "", positionAt(x));
    },
  });

  /** Goes to the lane, or to the observation, that is so many further on. */
  const step = (lanes: number, observations: number) => {
    const p = props();
    const n = p.lanes.findIndex(l => l.key === p.chosen?.lane);
    const lane = p.lanes[Math.min(p.lanes.length - 1, Math.max(0, n < 0 ? 0 : n + lanes))];
    if (!lane) return;
    let from: number | null = null;
    if (observations) {
      lane.settle();
      const here = p.chosen?.from ?? view.from;
      const at = lane.sights.findIndex(s => s.observation.from >= here);
      const current = at < 0 ? lane.sights.length : at;
      const next = p.chosen?.from == null && observations > 0 ? current : current + observations;
      from = lane.sights[Math.min(lane.sights.length - 1, Math.max(0, next))]?.observation.from ?? null;
    }
    p.onChoose({ lane: lane.key, from });
    reveal(lane.key, from);
  };

  const keys: Record<string, () => void> = {
    ArrowLeft: () => change(panned(view, -0.1, props().limits)),
    ArrowRight: () => change(panned(view, 0.1, props().limits)),
    PageUp: () => change(panned(view, -0.9, props().limits)),
    PageDown: () => change(panned(view, 0.9, props().limits)),
    Home: () => change(within({ from: props().limits.from, span: view.span }, props().limits)),
    End: () => change(within({ from: props().limits.until, span: view.span }, props().limits)),
    ArrowUp: () => step(-1, 0),
    ArrowDown: () => step(1, 0),
    n: () => step(0, 1),
    p: () => step(0, -1),
    "+": () => zoomBy(1 / 1.5, anchor()),
    "=": () => zoomBy(1 / 1.5, anchor()),
    "-": () => zoomBy(1.5, anchor()),
    "0": () => controls.all(),
    Enter: () => props().onSeek(props().chosen?.from ?? view.from + view.span / 2),
    Escape: () => props().onChoose(null),
  };
  const key = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return; // the browser's own
    const act = keys[e.key];
    if (!act && !props().onKey(e.key)) return;
    e.preventDefault();
    act?.();
  };
  element.addEventListener("keydown", key);
  const resized = new ResizeObserver(redraw);
  resized.observe(element);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const recolour = () => {
    painter.recolour();
    redraw();
  };
  dark.addEventListener("change", recolour);
  redraw();

  const controls: Controls = {
    zoom: factor => zoomBy(factor, anchor()),
    all() {
      untouched = true;
      if (props().follow) props().onFollow(false);
      redraw();
    },
    show, redraw,
    stop() {
      cancelAnimationFrame(asked);
      asked = -1; // nothing is drawn any more
      unlisten();
      thumbnails.stop();
      element.removeEventListener("keydown", key);
      resized.disconnect();
      dark.removeEventListener("change", recolour);
    },
  };
  return controls;
}
