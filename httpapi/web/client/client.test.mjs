// Asks the server at SPOTTER_URL, which shows the event of the tests; a Go test runs this.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "./live.js";
import { whereOf } from "./follow.js";
import { Backoff, Problem as RetryProblem } from "./retry.js";
import { Problem, Spotter } from "./index.js";

const base = process.env.SPOTTER_URL;
const key = process.env.SPOTTER_KEY;
const spotter = new Spotter(base, { credential: () => Promise.resolve(key) });

/** A player without pictures. */
class Video extends EventTarget {
  currentTime = 0;
  paused = false;
  playbackRate = 1;
  seek(to) {
    this.currentTime = to;
    this.dispatchEvent(new Event("seeked"));
  }
}

/** Returns a function that gives the next value that was pushed, within some seconds. */
function queue() {
  const values = [];
  const waiting = [];
  const push = value => (waiting.length ? waiting.shift()(value) : values.push(value));
  const next = () =>
    values.length
      ? Promise.resolve(values.shift())
      : new Promise((resolve, reject) => {
          const late = setTimeout(() => reject(new Error("nothing came")), 5000);
          waiting.push(value => (clearTimeout(late), resolve(value)));
        });
  return { push, next, values };
}

const names = list => list.map(one => one.name ?? one.id);

test("asks", async () => {
  assert.deepEqual((await spotter.media()).map(m => m.state), ["stopped", "live", "waiting"]);
  assert.equal((await spotter.status('<b>&/"é')).state, "stopped");
  const window = await spotter.context("cup-final", { position: 50, backward: 10, forward: 5 });
  assert.deepEqual(names(window.celebrities), ["Lin-Manuel Miranda"]);
  assert.deepEqual(await spotter.context("cup-final", { time: new Date("2026-11-23T14:00:50Z"), backward: 10, forward: 5 }), window);
  const [cup, other] = await spotter.contexts(["cup-final", "other"], { position: 50, backward: 10, forward: 5 });
  assert.deepEqual(cup, window);
  assert.equal(other.problem.status, 404);
  assert.equal((await spotter.window("cup-final", -5, 0)).complete, false);
  assert.deepEqual((await spotter.timeline("cup-final", { from: 46, until: 50 })).observations.map(o => o.revision), [2]);
  assert.equal((await spotter.windowAndHold("cup-final", 45, 50)).holds, Infinity);
  assert.equal((await spotter.windowAndHold("cup-final", 115, 120)).holds, 1000);
});

test("engages", async () => {
  const shown = async query => (await spotter.context("cup-final", { position: 50, ...query })).instruments?.[0]?.decision;
  const first = await shown({ profile: "p1" });
  assert.ok(first);
  assert.equal(await shown({ profile: "p1" }), first);
  assert.notEqual(await shown({ profile: "p2" }), first);
  assert.notEqual(await shown({ engage: 1 }), first);
  assert.equal(await shown({}), undefined);
  assert.equal(await shown({ profile: "p1", decision: "d9" }), "d9");
  assert.equal(await shown({ profile: "p1" }), "d9");
  const anew = await shown({ profile: "p1", decision: "" });
  assert.notEqual(anew, "d9");
  await spotter.event(anew, "click", 0.5);
  assert.equal(await shown({ profile: "p1" }), anew);
  await spotter.event(anew, "dismiss");
  assert.notEqual(await shown({ profile: "p1" }), anew);
  assert.equal(await shown({ position: 100, profile: "p1" }), undefined); // nothing suits
  await assert.rejects(spotter.event("again", "view"), e => e instanceof Problem && e.status === 409);
  await assert.rejects(spotter.event(anew, "stare"), e => e.status === 400 && e.parameter === "type");
  await assert.rejects(new Spotter(base).event(anew, "view"), e => e.status === 401);
});

test("sends events from pages that are left", async () => {
  const sent = [];
  const fetch = async (url, options) => (sent.push(options.headers["Content-Type"], options.keepalive), new Response(null, { status: 204 }));
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const sendBeacon = (url, body) => sent.push(url, body) > 0;
  Object.defineProperty(globalThis, "navigator", { value: { sendBeacon }, configurable: true });
  try {
    await new Spotter("http://box", { fetch }).event("d/1", "view");
    assert.deepEqual(sent.splice(0), ["text/plain", true]);
    globalThis.document = { visibilityState: "hidden" };
    await new Spotter("http://box", { fetch }).event("d/1", "view");
    assert.deepEqual(sent.splice(0), ["http://box/v1/decisions/d%2F1/events", '{"type":"view"}']);
    await new Spotter("http://box", { fetch, credential: "key" }).event("d1", "view");
    assert.deepEqual(sent, ["application/json", true]);
  } finally {
    delete globalThis.document;
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else delete globalThis.navigator;
  }
});

test("problems", async () => {
  await assert.rejects(spotter.context("cup-final", {}), e => e instanceof Problem && e.status === 400 && e.parameter === "position" && !e.transient);
  await assert.rejects(new Spotter(base).media(), e => e instanceof Problem && e.status === 401);
  const html = new Spotter(base, { fetch: async () => new Response("<html>", { status: 502, headers: { "Retry-After": "3" } }) });
  await assert.rejects(html.media(), e => e instanceof Problem && e.transient && e.retryAfter === 3000);
  await assert.rejects(spotter.media({ signal: AbortSignal.abort() }), { name: "AbortError" });
});

for (const via of ["windows", "context", "live"]) {
  test(`follows a player via ${via}`, async () => {
    const video = new Video();
    video.currentTime = 46;
    const changes = queue();
    const follower = spotter.follow("cup-final", { video, via, onChange: changes.push, onError: changes.push });
    try {
      let change = await changes.next();
      assert.deepEqual(names(change.entered), ["Lin-Manuel Miranda", "Couch"], JSON.stringify(change));
      assert.equal(change.position, 46);
      assert.deepEqual(change.entered.map(e => e.kind), ["celebrity", "object"]);
      video.seek(20);
      change = await changes.next();
      assert.deepEqual([names(change.entered), names(change.left)], [[], ["Lin-Manuel Miranda"]]);
      assert.deepEqual(names(change.objects), ["Couch"]);
      if (via === "live") return; // to it the newest scene lasts
      video.seek(100);
      change = await changes.next();
      assert.deepEqual([names(change.left), change.complete], [["Couch"], true]);
      video.seek(130);
      assert.equal((await changes.next()).complete, false);
    } finally {
      follower.stop();
    }
    assert.deepEqual(changes.values, []);
  });
}

test("follows a wall clock over windows", async () => {
  const asked = [];
  const counting = (url, options) => (asked.push(String(url)), fetch(url, options));
  const video = new Video();
  const hls = { playingDate: null };
  const changes = queue();
  const client = new Spotter(base, { credential: key, fetch: counting });
  const follower = client.follow("cup-final", { video, hls, onChange: changes.push, onError: changes.push });
  hls.playingDate = new Date("2026-11-23T14:00:48Z");
  video.currentTime = 3;
  try {
    const change = await changes.next();
    assert.equal(change.position, 48);
    assert.deepEqual(names(change.celebrities), ["Lin-Manuel Miranda"]);
    assert.deepEqual(asked.map(url => url.slice(base.length)).filter(url => url.includes("windows"))[0], "/v1/media/cup-final/windows/45-50");
    const before = asked.length;
    await new Promise(resolve => setTimeout(resolve, 1200));
    assert.ok(asked.length - before <= 1, `asked ${asked.slice(before)}`); // at most the next window
    assert.deepEqual(changes.values, []);
  } finally {
    follower.stop();
  }
});

test("goes on when the network is back", async () => {
  let away = true;
  const flaky = (url, options) => (away ? Promise.reject(new TypeError("network")) : fetch(url, options));
  const client = new Spotter(base, { credential: key, fetch: flaky });
  const errors = queue();
  const changes = queue();
  const follower = client.follow("cup-final", { zero: 46, onChange: changes.push, onError: errors.push });
  try {
    assert.equal((await errors.next()).message, "network");
    away = false;
    assert.deepEqual(names((await changes.next()).celebrities), ["Lin-Manuel Miranda"]);
  } finally {
    follower.stop();
  }
});

test("live streams resume", async () => {
  const ids = [];
  const events = ["retry: 10\n\nid: 1\nevent: observation\ndata: {\"from\":1}\n\n", "id: 2\nevent: observation\ndata: {\"from\":2}\n\n"];
  const server = url => {
    ids.push(new URL(url).searchParams.get("last_event_id"));
    return Promise.resolve(ids.length === 2 ? new Response("", { status: 502 }) : new Response(events.shift()));
  };
  const told = queue();
  const failures = queue();
  const stop = new Spotter(base, { fetch: server }).live("m", { onObservation: told.push, onError: failures.push });
  assert.deepEqual([await told.next(), await told.next()], [{ from: 1 }, { from: 2 }]);
  stop();
  assert.deepEqual(ids, [null, "1", "1"]);
  assert.equal((await failures.next()).status, 502);
});

test("positions", () => {
  const date = new Date("2026-11-23T14:00:00Z");
  const safari = { currentTime: 5, getStartDate: () => date };
  const later = s => new Date(date.getTime() + s * 1000);
  assert.deepEqual(whereOf({ video: { currentTime: 5 } }), { position: 5, media: 5 });
  assert.deepEqual(whereOf({ video: { currentTime: 5 }, zero: -2 }), { position: 3, media: 5 });
  assert.deepEqual(whereOf({ video: { currentTime: 5 }, zero: date }), { time: later(5), media: 5 });
  assert.deepEqual(whereOf({ video: safari }), { time: later(5), media: 5 });
  assert.deepEqual(whereOf({ video: { currentTime: 5, getStartDate: () => new Date(NaN) } }), { position: 5, media: 5 });
  assert.deepEqual(whereOf({ video: safari, hls: { playingDate: date } }), { time: date, media: 5 });
  assert.equal(whereOf({ video: safari, hls: { playingDate: null } }), null);
  assert.deepEqual(whereOf({ at: () => 7 }), { position: 7, media: 0 });
  assert.equal(whereOf({ at: () => null }), null);
});

test("events are read however they are cut", () => {
  const text = ": hello\r\nretry: 5\n\nid: 1\rdata: a\rdata:b\r\revent: x\ndata: {}\n\ndata\n\nid: 3\n\nevent: y\n\n";
  const want = [
    { type: "", data: "", retry: 5 }, { type: "message", data: "a\nb", id: "1" }, { type: "x", data: "{}" }, { type: "message", data: "" },
    { type: "", data: "", id: "3" },
  ];
  for (let size = 1; size < text.length; size++) {
    const parser = new EventParser();
    const got = [];
    for (let i = 0; i < text.length; i += size) got.push(...parser.push(text.slice(i, i + size)));
    assert.deepEqual(got, want, `in steps of ${size}`);
  }
  assert.throws(() => new EventParser().push("x".repeat(2 << 20)), /too long/);
});

test("backs off", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 8 }, () => backoff.after(new TypeError("network")));
  assert.ok(waits.every((w, i) => w >= Math.min(30_000, 1000 * 2 ** i) / 2 && w <= 30_000), String(waits));
  backoff.reset();
  assert.ok(backoff.after(new RetryProblem(503, {}, 7000)) >= 7000);
  assert.equal(backoff.after(new RetryProblem(401, {}, 0)), 30_000);
});
