import assert from "node:assert/strict";
import { test } from "node:test";
import type { Thumbnail } from "../src/box/types.ts";
import { framesOf } from "../src/player/boxes.ts";
import type { Context } from "../../client/index.js";

const place = { left: 0.1, top: 0.2, width: 0.3, height: 0.4 };
const ann = { name: "Ann", id: "a1", kind: "celebrity" as const, confidence: 99, ...place };
const couch = { name: "Couch", kind: "object" as const, confidence: 80, ...place };
const picture = (position: number, boxes: Thumbnail["boxes"]): Thumbnail => ({ position, url: "", width: 160, height: 90, boxes });
const pictures = [picture(10, [ann]), picture(20, [couch, couch]), picture(30, [])];
const answer = (from: number, until: number): Context => ({
  media: "m", from: 0, until: 60, analyzed_until: 60, complete: true,
  celebrities: [{ name: "Ann", id: "a1", confidence: 99, from, until, source: "onnx" }],
  objects: [{ name: "Couch", confidence: 80, from, until, source: "onnx" }],
});
const names = (position: number, told = answer(5, 50)) => framesOf(pictures, told, position).map(f => f.name);

test("boxes are those of the newest picture, for a moment", () => {
  assert.deepEqual(names(9), []);
  assert.deepEqual(names(10), ["Ann"]);
  assert.deepEqual(names(11.4), ["Ann"]);
  assert.deepEqual(names(11.6), []);
  assert.deepEqual(names(20.2), ["Couch", "Couch"]);
  assert.deepEqual(names(30.1), []);
});

test("boxes fade", () => {
  const at = (position: number) => framesOf(pictures, answer(5, 50), position)[0]?.opacity ?? 0;
  assert.equal(at(10.5), 1);
  assert.ok(at(11) < 1 && at(11.3) < at(11) && at(11.3) > 0);
});

test("a box goes with who it is of", () => {
  assert.deepEqual(names(10.5, answer(5, 10.4)), []);
  assert.deepEqual(framesOf(pictures, null, 10), []);
  assert.equal(new Set(framesOf(pictures, answer(5, 50), 20).map(f => f.key)).size, 2);
});
