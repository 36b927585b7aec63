// Draws the event on a canvas. Thousands of spans are walked through for each frame, so nothing is made here that lasts.

import { clockOf } from "../time.ts";
import { lowerBound, tolerances, type EventLanes, type Lane } from "./lanes.ts";
import type { Thumbnails } from "./thumbnails.ts";
import { coloursOf, gutterOf, laneHeight, ruler, slotsOf, strip, top, type Colours } from "./look.ts";
import { tickStep, type Viewport } from "./viewport.ts";

export interface Scene {
  view: Viewport;
  /** Pixels that the lanes are scrolled up. */
  scroll: number;
  lanes: readonly Lane[];
  event: EventLanes;
  analyzedUntil: number | null;
  liveEdge: number | null;
  playing: number | null;
  /** The lane and observation that are chosen. */
  chosen: { lane: string; from: number | null } | null;
  /** Revised observations, by from, with when that was. */
  revised: ReadonlyMap<number, number>;
  now: number;
}

const flash = 4_000; // ms for which a revision is marked
const font = "12px system-ui, sans-serif";

export class Painter {
  #c: CanvasRenderingContext2D;
  #hatch: CanvasPattern | string = "";
  colours: Colours;

  constructor(readonly canvas: HTMLCanvasElement) {
    this.#c = canvas.getContext("2d", { alpha: false })!;
    this.colours = coloursOf(canvas);
    this.recolour();
  }

  recolour(): void {
    this.colours = coloursOf(this.canvas);
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const c = tile.getContext("2d")!;
    c.strokeStyle = this.colours.gap;
    c.lineWidth = 1.5;
    c.beginPath();
    for (const x of [-8, 0, 8]) {
      c.moveTo(x, 8);
      c.lineTo(x + 8, 0);
    }
    c.stroke();
    this.#hatch = this.#c.createPattern(tile, "repeat") ?? this.colours.gap;
  }

  /** Draws a scene; says whether it has to be drawn again for something that fades. */
  draw(s: Scene, width: number, height: number, thumbnails: Thumbnails): boolean {
    const c = this.#c;
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = this.colours.card;
    c.fillRect(0, 0, width, height);
    c.font = font;
    c.textBaseline = "middle";
    const gutter = gutterOf(width);
    c.save();
    c.beginPath();
    c.rect(gutter, 0, width - gutter, height);
    c.clip();
    const x = (position: number) => gutter + ((position - s.view.from) / s.view.span) * (width - gutter);
    this.#ruler(s, x, width - gutter, height);
    this.#pictures(s, x, width - gutter, thumbnails);
    const fading = this.#lanes(s, x, gutter, width, height);
    this.#stretches(s, x, gutter, width, height);
    this.#marks(s, x, height);
    c.restore();
    this.#names(s, gutter, width, height);
    return fading;
  }

  #ruler(s: Scene, x: (p: number) => number, width: number, height: number): void {
    const c = this.#c;
    const step = tickStep(s.view.span, width, 84);
    const end = s.view.from + s.view.span;
    c.textAlign = "left";
    for (let n = Math.ceil(s.view.from / step); n * step <= end; n++) {
      const at = Math.round(x(n * step)) + 0.5;
      c.fillStyle = this.colours.line;
      c.fillRect(at - 0.5, 0, 1, height);
      c.fillStyle = this.colours.soft;
      c.fillText(clockOf(n * step, step < 1 ? 1 : 0), at + 4, ruler / 2);
    }
  }

  #pictures(s: Scene, x: (p: number) => number, width: number, thumbnails: Thumbnails): void {
    const slots = slotsOf(s.view, width);
    thumbnails.want(slots);
    for (const slot of slots) {
      const left = x(slot.from) + 1;
      const wide = Math.min(x(slot.until) - left - 1, 96);
      this.#c.fillStyle = this.colours.back;
      this.#c.fillRect(left, ruler + 2, wide, strip - 4);
      const picture = thumbnails.at(slot);
      if (picture) this.#c.drawImage(picture.image, left, ruler + 2, wide, strip - 4);
    }
  }

  #lanes(s: Scene, x: (p: number) => number, gutter: number, width: number, height: number): boolean {
    const c = this.#c;
    c.save();
    c.beginPath();
    c.rect(gutter, top, width - gutter, height - top);
    c.clip();
    const scale = s.view.span / (width - gutter); // seconds of a pixel
    const level = tolerances.findLastIndex(t => t <= scale / 3);
    let fading = false;
    const first = Math.max(0, Math.floor(s.scroll / laneHeight));
    const last = Math.min(s.lanes.length, Math.ceil((s.scroll + height - top) / laneHeight));
    for (let n = first; n < last; n++) {
      const lane = s.lanes[n]!;
      const y = top + n * laneHeight - s.scroll;
      c.fillStyle = this.colours.line;
      c.fillRect(gutter, y + laneHeight - 1, width - gutter, 1);
      // From afar runs are drawn; near by each observation, with its confidence.
      if (scale > 0.25) this.#runs(s, lane, Math.max(0, level), x, y, scale);
      else fading = this.#sights(s, lane, x, y) || fading;
    }
    c.restore();
    return fading;
  }

  #runs(s: Scene, lane: Lane, level: number, x: (p: number) => number, y: number, scale: number): void {
    const c = this.#c;
    const { from, until } = lane.runs(level);
    const end = s.view.from + s.view.span;
    c.fillStyle = this.colours[lane.kind];
    let left = -1;
    let right = -1;
    for (let i = lowerBound(until.length, k => until[k]! >= s.view.from); i < from.length && from[i]! <= end; i++) {
      const a = x(Math.max(from[i]!, s.view.from - scale));
      const b = Math.max(a + 1, x(Math.min(until[i]!, end + scale)));
      if (a - right <= 0.5 && right >= 0) {
        right = Math.max(right, b);
        continue;
      }
      if (right >= 0) c.fillRect(left, y + 4, right - left, laneHeight - 9);
      left = a;
      right = b;
    }
    if (right >= 0) c.fillRect(left, y + 4, right - left, laneHeight - 9);
  }

  #sights(s: Scene, lane: Lane, x: (p: number) => number, y: number): boolean {
    const c = this.#c;
    const end = s.view.from + s.view.span;
    let fading = false;
    for (let i = lane.firstAt(s.view.from); i < lane.sights.length; i++) {
      const { observation: o, entity } = lane.sights[i]!;
      if (o.from > end) break;
      if (o.until < s.view.from) continue;
      const a = x(o.from);
      const b = Math.max(a + 2, x(o.until) - 1);
      // A local model's word is drawn lower than the cloud's.
      const cloud = o.source === "rekognition";
      const inset = cloud ? 3 : 6;
      c.fillStyle = this.colours[lane.kind];
      c.fillRect(a, y + inset, b - a, laneHeight - 2 * inset - 1);
      if (b - a > 36 && cloud) {
        c.fillStyle = this.colours.onBar;
        c.textAlign = "left";
        c.fillText(entity.confidence.toFixed(0), Math.max(a, x(s.view.from)) + 4, y + laneHeight / 2);
      }
      const revised = s.revised.get(o.from);
      if (revised !== undefined && s.now - revised < flash) {
        c.strokeStyle = this.colours.warn;
        c.lineWidth = 2;
        c.strokeRect(a, y + 2, b - a, laneHeight - 5);
        fading = true;
      }
      if (s.chosen?.lane === lane.key && s.chosen.from === o.from) {
        c.strokeStyle = this.colours.text;
        c.lineWidth = 2;
        c.strokeRect(a - 1, y + 1, b - a + 2, laneHeight - 3);
      }
    }
    return fading;
  }

  /** Draws gaps, breaks, and what is not analysed yet. */
  #stretches(s: Scene, x: (p: number) => number, gutter: number, width: number, height: number): void {
    const c = this.#c;
    const end = s.view.from + s.view.span;
    const shade = (from: number, until: number, style: string | CanvasPattern, label: string) => {
      const a = Math.max(gutter, x(from));
      const b = Math.min(width, Math.max(x(until), a + 1.5));
      if (b <= gutter || a >= width) return;
      c.fillStyle = style;
      c.fillRect(a, ruler, b - a, height - ruler);
      if (b - a < 74) return;
      c.fillStyle = this.colours.card;
      c.fillRect(a + 4, ruler + 4, c.measureText(label).width + 8, 16);
      c.fillStyle = this.colours.text;
      c.textAlign = "left";
      c.fillText(label, a + 8, ruler + 12.5);
    };
    for (const gap of s.event.gaps) {
      if (gap.until < s.view.from) continue;
      if (gap.from > end) break;
      shade(gap.from, gap.until, this.#hatch, "not analysed");
    }
    for (const b of s.event.breaks) {
      const until = b.open ? Math.max(b.until, s.liveEdge ?? b.from) : b.until;
      if (until >= s.view.from && b.from <= end) shade(b.from, until, this.colours.ad, b.skipped ? "ad break, skipped" : "ad break");
    }
    const analysed = s.analyzedUntil ?? s.event.extent?.until;
    if (analysed !== undefined && s.liveEdge !== null && s.liveEdge > analysed) shade(analysed, s.liveEdge, this.#hatch, "not yet");
  }

  #marks(s: Scene, x: (p: number) => number, height: number): void {
    const c = this.#c;
    if (s.liveEdge !== null) {
      c.fillStyle = this.colours.soft;
      c.fillRect(Math.round(x(s.liveEdge)), 0, 1, height);
    }
    if (s.playing === null) return;
    const at = Math.round(x(s.playing));
    c.fillStyle = this.colours.accent;
    c.fillRect(at - 1, 0, 2, height);
    c.beginPath();
    c.moveTo(at - 6, 0);
    c.lineTo(at + 6, 0);
    c.lineTo(at, 8);
    c.fill();
  }

  #names(s: Scene, gutter: number, width: number, height: number): void {
    const c = this.#c;
    c.save();
    c.beginPath();
    c.rect(0, top, gutter, height - top);
    c.clip();
    c.textAlign = "left";
    const first = Math.max(0, Math.floor(s.scroll / laneHeight));
    const last = Math.min(s.lanes.length, Math.ceil((s.scroll + height - top) / laneHeight));
    for (let n = first; n < last; n++) {
      const lane = s.lanes[n]!;
      const y = top + n * laneHeight - s.scroll;
      const chosen = s.chosen?.lane === lane.key;
      c.fillStyle = chosen ? this.colours.back : this.colours.card;
      c.fillRect(0, y, gutter, laneHeight);
      c.fillStyle = this.colours[lane.kind];
      c.fillRect(2, y + 4, 3, laneHeight - 9);
      c.fillStyle = this.colours.text;
      c.fillText(this.#fitted(lane.name, gutter - 20), 11, y + laneHeight / 2);
    }
    c.restore();
    c.fillStyle = this.colours.line;
    c.fillRect(gutter - 1, 0, 1, height);
    this.#bar(s, width, height);
  }

  #bar(s: Scene, width: number, height: number): void {
    const all = s.lanes.length * laneHeight;
    const seen = height - top;
    if (all <= seen) return;
    this.#c.fillStyle = this.colours.soft;
    this.#c.fillRect(width - 4, top + (s.scroll / all) * seen, 3, Math.max(16, (seen / all) * seen));
  }

  #fits = new Map<string, string>();

  /** The text, cut to a width; remembered, for measuring is slow. */
  #fitted(text: string, width: number): string {
    const key = `${width} ${text}`;
    let fit = this.#fits.get(key);
    if (fit === undefined) {
      fit = text;
      while (fit.length > 1 && this.#c.measureText(fit).width > width) fit = `${fit.slice(0, -2).trimEnd()}…`;
      this.#fits.set(key, fit);
    }
    return fit;
  }
}
