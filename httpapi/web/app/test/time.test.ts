import assert from "node:assert/strict";
import { test } from "node:test";
import { clockOf, lengthOf, positionOf, wallTimeOf } from "../src/time.ts";

test("positions are told as h:mm:ss", () => {
  for (const [position, digits, want] of [[0, 0, "0:00:00"], [59.96, 1, "0:01:00.0"], [3661.25, 1, "1:01:01.3"], [43_205.6454, 3, "12:00:05.645"], [-1.5, 1, "−0:00:01.5"], [-0.01, 0, "0:00:00"], [null, 0, "–"]] as const) {
    assert.equal(clockOf(position, digits), want);
  }
});

test("positions are read as people write them", () => {
  for (const [text, want] of [["90", 90], ["1:30", 90], ["1:00:01.5", 3601.5], [" 12:00:00 ", 43_200], ["-0:05", -5], ["1:2:3:4", null], ["", null], ["ten", null]] as const) {
    assert.equal(positionOf(text), want, text);
  }
});

test("what is told is read again", () => {
  for (const position of [0, 0.125, 59.999, 3599.5, 43_199.001]) assert.equal(positionOf(clockOf(position, 3)), position);
});

test("lengths have the unit that suits them", () => {
  assert.deepEqual([0.25, 1.24, 75, 3720, null].map(lengthOf), ["250 ms", "1.2 s", "1 min 15 s", "1 h 2 min", "–"]);
});

test("the live edge is now", () => {
  const now = new Date("2026-11-23T14:00:00Z");
  assert.equal(wallTimeOf(90, 100, now)?.toISOString(), "2026-11-23T13:59:50.000Z");
  assert.equal(wallTimeOf(90, null, now), null);
});
