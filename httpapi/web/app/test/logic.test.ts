import assert from "node:assert/strict";
import { test } from "node:test";
import type { MediaOverview, Overview } from "../src/box/types.ts";
import { isOn } from "../src/player/on_screen.ts";
import { readPayload } from "../src/player/payload.ts";
import { hashOf, routeOf } from "../src/route.ts";
import { hoursOf } from "../src/timeline/hours.ts";
import { panned, tickStep, whole, within, zoomed } from "../src/timeline/viewport.ts";
import { verdictOf } from "../src/verdict.ts";
import { wilson } from "../src/wilson.ts";

test("Wilson's interval", () => {
  const share = wilson(10, 100)!;
  assert.ok(Math.abs(share.low - 0.0552) < 1e-4 && Math.abs(share.high - 0.1744) < 1e-4, JSON.stringify(share));
  assert.equal(wilson(0, 0), null);
  assert.equal(wilson(0, 10)!.low, 0);
  assert.ok(wilson(10, 10)!.high > 0.999999 && wilson(10, 10)!.high <= 1);
});

test("addresses of views", () => {
  for (const media of ["cup-final", "a/b", "50 %", "ä?b"]) assert.deepEqual(routeOf(hashOf("timeline", media, 12.5)), { view: "timeline", media, at: 12.5 });
  assert.deepEqual(routeOf(""), { view: "air", media: "", at: null });
  assert.equal(routeOf("#/nonsense").view, "air");
  assert.equal(routeOf("#/player/%E0%A4%A").media, "%E0%A4%A");
});

const event = { from: 0, until: 43_200 };

test("zooming keeps what is under the pointer", () => {
  const before = { from: 10_000, span: 1000 };
  const after = zoomed(before, 0.5, 0.3, event);
  assert.equal(after.span, 500);
  assert.equal(after.from + 0.3 * 500, 10_300);
});

test("a viewport stays within the event", () => {
  assert.ok(panned({ from: 0, span: 100 }, -50, event).from >= -5);
  assert.ok(panned({ from: 43_000, span: 100 }, 50, event).from + 100 <= 43_205.1);
  assert.ok(zoomed({ from: 0, span: 43_200 }, 100, 0.5, event).span <= 43_200 * 1.1 + 1);
  assert.equal(zoomed({ from: 0, span: 10 }, 0.001, 0.5, event).span, 4);
  const all = whole(event);
  assert.ok(all.from < 0 && all.from + all.span > 43_200);
  assert.deepEqual(within(all, event), all);
});

test("ticks are far enough apart", () => {
  assert.equal(tickStep(43_200, 1000, 80), 3600);
  assert.equal(tickStep(10, 1000, 80), 1);
});

test("the newest hour is asked for first", () => {
  assert.deepEqual(hoursOf(4000).map(w => w.from), [3600, 0, -3600]);
  assert.equal(hoursOf(400_000).length, 25);
});

test("what lasts to the window's end is on screen", () => {
  const one = { name: "Ada", confidence: 90, source: "onnx", from: 40, until: 50 };
  assert.ok(isOn(one, 50.4, 50));
  assert.ok(!isOn(one, 50.4, 55));
  assert.ok(!isOn(one, 39, 55));
});

test("payloads are read by their usual members", () => {
  assert.deepEqual(readPayload({ question: "Who?", options: ["A", { text: "B" }, 3], correct: 1 }), { title: "Who?", text: "", choices: ["A", "B", "3"], right: "B" });
  assert.deepEqual(readPayload({ title: "A scarf", text: "Cheap" }), { title: "A scarf", text: "Cheap", choices: [], right: "" });
  assert.deepEqual(readPayload(null), { title: "", text: "", choices: [], right: "" });
});

const media = (more: Partial<MediaOverview>): MediaOverview => ({
  media: "a", state: "live", live_edge: 10, analyzed_until: 9, delay: 1, started_at: null, source: null, sampled: 0, admitted: 0, asked: 0, observations: 0, faults: [], player: null, ...more,
});
const box = (list: MediaOverview[], fault = ""): Overview => ({ at: "", version: "", media: list, cloud: null, sync: [{ sink: "s3", waiting: 0, oldest: 0, fault }], engage: false, edits: false, gallery: false });

test("the verdict names the worst", () => {
  assert.equal(verdictOf(box([media({}), media({ media: "b", state: "stalled" })])).text, "Stalled: b.");
  assert.equal(verdictOf(box([media({ delay: 75 })])).tone, "warn");
  assert.match(verdictOf(box([media({})], "no route")).text, /not synced: s3/);
  assert.equal(verdictOf(box([media({})])).tone, "good");
  assert.equal(verdictOf(box([])).text, "Nothing to watch yet.");
});

test("all is not well where something is missing", () => {
  const now = "2026-11-23T20:00:00Z";
  const verdictThen = (told: Overview) => verdictOf({ ...told, at: now });
  const fault = (at: string) => [{ at, kind: "recognize", message: "m", count: 1 }];
  const before = new Date(Date.parse(now) - 61_000).toISOString();
  const waiting = { media: "b", state: "waiting", delay: null } as const;
  assert.match(verdictThen(box([media({}), media(waiting)])).text, /Waiting for the stream: b\./, "one that never came is named");
  assert.match(verdictThen(box([media({}), media({ ...waiting, faults: fault(now) })])).text, /b \(recognize\)/);
  assert.equal(verdictThen(box([media({ faults: fault(now) })])).tone, "warn", "live, with a fault just now");
  assert.equal(verdictThen(box([media({ faults: fault(before) })])).tone, "good", "the fault is over");
  assert.match(verdictThen(box([media({ delay: null })])).text, /nothing is analysed yet/, "no delay is not a delay of 0");
});
