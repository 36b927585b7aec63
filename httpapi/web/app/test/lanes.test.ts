import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observation } from "../src/box/types.ts";
import { EventLanes, joined, lowerBound } from "../src/timeline/lanes.ts";

const seen = (from: number, until: number, names: string[], revision = 1): Observation =>
  ({ media: "m", from, until, source: "rekognition", revision, celebrities: names.map(name => ({ name, confidence: 90 })), objects: [{ name: "Couch", confidence: 80 }] });

test("a higher revision replaces, a lower one does not", () => {
  const event = new EventLanes();
  assert.equal(event.take(seen(0, 2, ["Ada"])), "new");
  assert.equal(event.take(seen(0, 2, ["Bruno"], 3)), "revised");
  assert.equal(event.take(seen(0, 2, ["Chiara"], 2)), "known");
  assert.deepEqual(event.lanes.filter(l => l.sights.length).map(l => l.name), ["Bruno", "Couch"]);
  assert.equal(event.size, 1);
});

test("a scene that goes on is taken with its new end", () => {
  const event = new EventLanes();
  event.take(seen(0, 2, ["Ada"]));
  event.lasts(5);
  assert.equal(event.extent?.until, 5);
  assert.equal(event.lane("celebrity\n\nAda")?.seen, 5);
  event.lasts(4);
  assert.equal(event.extent?.until, 5);
  event.take(seen(0, 3, ["Ada"], 2)); // its end, told as a revision
  assert.equal(event.extent?.until, 3);
});

test("celebrities come first, then those seen longest", () => {
  const event = new EventLanes();
  event.take(seen(0, 1, ["Ada"]));
  event.take(seen(1, 9, ["Bruno"]));
  event.reorder();
  assert.deepEqual(event.lanes.map(l => l.name), ["Bruno", "Ada", "Couch"]);
});

test("observations in any order are found by position", () => {
  const event = new EventLanes();
  for (const from of [40, 0, 20, 10, 30]) event.take(seen(from, from + 5, ["Ada"]));
  const lane = event.lane("celebrity\n\nAda")!;
  assert.equal(lane.at(21)?.observation.from, 20);
  assert.equal(lane.at(27), null);
  assert.equal(lane.at(26, 2)?.observation.from, 20);
  assert.deepEqual(lane.sights.map(s => s.observation.from), [0, 10, 20, 30, 40]);
});

test("gaps are what no observation covers, but what was skipped is none", () => {
  const event = new EventLanes();
  event.take(seen(0, 10, []));
  event.take(seen(20, 30, []));
  event.take(seen(30.2, 40, []));
  event.take(seen(60, 70, []));
  event.takeBreak({ id: "b", from: 40, until: 60, open: false, skipped: true });
  assert.deepEqual(event.gaps, [{ from: 10, until: 20 }]);
  event.takeAnalysed({ from: 10, until: 20 });
  assert.deepEqual(event.gaps, []);
});

test("runs join spans with small gaps, and overlaps", () => {
  const { from, until } = joined([{ from: 0, until: 2 }, { from: 2, until: 3 }, { from: 2.5, until: 2.8 }, { from: 6, until: 7 }], 0.05);
  assert.deepEqual([...from], [0, 6]);
  assert.deepEqual([...until], [3, 7]);
});

test("twelve hours of 22,000 observations are taken in five seconds, on a machine with other work", () => {
  const event = new EventLanes();
  const begin = performance.now();
  for (let n = 21_999; n >= 0; n--) event.take(seen(n * 2, n * 2 + 2, [`P${n % 30}`, `P${(n + 7) % 30}`, `P${(n + 11) % 30}`]));
  for (const lane of event.lanes) lane.runs(0);
  assert.equal(event.gaps.length, 0);
  assert.equal(lowerBound(10, i => i >= 4), 4);
  assert.ok(performance.now() - begin < 5_000);
});

test("a lane goes with the last that was seen in it", () => {
  const event = new EventLanes();
  const names = () => event.lanes.filter(l => l.kind === "celebrity").map(l => l.name);
  event.take(seen(0, 5, ["Ann", "Ben"]));
  event.take(seen(5, 20, ["Cat"]));
  assert.deepEqual(names(), ["Cat", "Ann", "Ben"]);
  event.take(seen(0, 5, ["Zoe", "Ben"], 2)); // renamed
  assert.deepEqual(names(), ["Cat", "Ben", "Zoe"]);
  event.take(seen(5, 20, [], 2)); // rejected
  assert.deepEqual(names(), ["Ben", "Zoe"], "the others stay where they are");
  event.take(seen(5, 20, ["Cat"], 3)); // taken back
  assert.ok(names().includes("Cat"));
});
