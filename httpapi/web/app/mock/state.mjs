// What the mock box knows, and what can be done to it.

import { boxesOf, dice, gaps, makeEvent, observe, people } from "./event.mjs";

const clone = value => JSON.parse(JSON.stringify(value));

export class State {
  outage = "none"; // none | media | events | box
  edits = new Map(); // undo tokens
  listeners = new Set(); // told of each observation
  decisions = new Map();
  random = dice(99);

  constructor({ hours = 12, count = 22_800 } = {}) {
    this.begin = Date.now() - hours * 3_600_000;
    this.event = makeEvent("cup-final", hours * 3600, count);
    this.quiet = makeEvent("press-room", 600, 120, 3);
    this.profiles = new Map();
    this.gallery = people.slice(0, 8).map((p, i) => ({ ...p, urls: [`www.example.org/${p.id}`], faces: 1 + (i % 4) }));
    this.unknown = [
      { id: "u1", seen: [{ media: "cup-final", from: 38_010, until: 38_070 }, { media: "cup-final", from: 40_400, until: 40_412 }], first: new Date(this.begin + 38_010_000), last: new Date(this.begin + 40_412_000) },
      { id: "u2", seen: [{ media: "cup-final", from: 41_000, until: 41_006 }], first: new Date(this.begin + 41_000_000), last: new Date(this.begin + 41_006_000) },
    ];
    const day = new Date().toISOString().slice(0, 10);
    this.instruments = [
      { id: "who-wins", type: "poll", payload: { question: "Who wins the final?", options: ["Home", "Away", "Penalties"] }, targets: { any: ["Person"] }, caps: { per_viewer: 30, total: 100_000 }, priority: 1 },
      { id: "couch-trivia", type: "trivia", payload: { question: "Who sits on the couch?", options: ["Ada", "Bruno", "Chiara"], correct: "Ada" }, caps: { per_viewer: 3 }, flight: { start: `${day}T00:00:00Z`, end: `${day}T23:59:59Z` } },
      { id: "scarf", type: "offer", payload: { title: "A scarf in your team's colours", text: "Today for half the price" }, budget: 500, cost: { click: 0.2 } },
      { id: "last-week", type: "advert", payload: { text: "A season ticket" }, flight: { end: "2026-01-01T00:00:00Z" } },
    ];
    const made = (id, type, decisions, events, reward, more = {}) => ({ id, type, decisions, events, reward, spent: 0, ...more });
    this.counts = new Map([
      made("who-wins", "poll", 5210, { view: 5100, answer: 912, dismiss: 400 }, 912, { left: 94_790 }),
      made("couch-trivia", "trivia", 1840, { view: 1802, answer: 201 }, 201),
      made("scarf", "offer", 980, { view: 960, click: 31, convert: 4 }, 33, { spent: 6.2, budget_left: 493.8 }),
      made("last-week", "advert", 40, { view: 40, click: 1 }, 1),
    ].map(c => [c.id, c]));
    this.timer = setInterval(() => this.advance(), 1000);
  }

  /** Seconds into the event at a wall-clock time. */
  position(at = Date.now()) {
    return (at - this.begin) / 1000;
  }

  of(media) {
    return media === "cup-final" ? this.event : media === "press-room" ? this.quiet : media === "rehearsal" ? { observations: [], breaks: [] } : null;
  }

  analyzedUntil(media) {
    return media === "rehearsal" ? null : (this.of(media).observations.at(-1)?.until ?? null);
  }

  /** Makes what was seen since; now and then an older observation is corrected. */
  advance() {
    if (this.outage === "media") return;
    const { observations } = this.event;
    const edge = this.position() - 1.2;
    for (;;) {
      const from = observations.at(-1).until;
      if (from + 2 > edge) break;
      const next = observe("cup-final", from, from + 2, this.random, Math.floor(from / 2));
      observations.push(next);
      this.tell(next);
      if (this.random() < 0.3) this.revise(observations[observations.length - 3], o => (o.source = "rekognition"));
    }
  }

  revise(observation, change) {
    change(observation);
    observation.revision++;
    this.tell(observation);
    return clone(observation);
  }

  tell(observation) {
    for (const listener of this.listeners) listener(observation);
  }

  overview() {
    const { observations } = this.event;
    const edge = this.outage === "media" ? observations.at(-1).until + 1.2 : this.position();
    const one = (media, state, more) => ({ media, state, live_edge: null, analyzed_until: this.analyzedUntil(media), delay: null, started_at: new Date(this.begin), source: null,
      sampled: 0, admitted: 0, asked: 0, observations: this.of(media).observations.length, faults: [], player: null, ...more });
    const fault = { at: new Date(Date.now() - 40_000), kind: "origin", message: "origin.example answers 503 to index.m3u8", count: 12, mend: "Look whether the encoder still publishes; a backup under backup_urls would be used by itself." };
    const analysed = observations.at(-1).until;
    return {
      at: new Date(), version: "mock",
      media: [
        one("cup-final", this.outage === "media" ? "stalled" : "live", { live_edge: edge, delay: edge - analysed, source: "https://origin.example/cup/index.m3u8", sampled: Math.round(edge),
          admitted: observations.length, asked: Math.round(observations.length * 0.4), faults: this.outage === "media" ? [fault] : [], player: "/v1/media/cup-final/hls/index.m3u8" }),
        one("press-room", "ended", { live_edge: 600, delay: 0, source: "https://origin.example/press/a-rather-long-address/of-a-playlist/index.m3u8", sampled: 600, admitted: 120, asked: 31,
          faults: [{ at: new Date(this.begin + 300_000), kind: "cloud", message: "Rekognition throttled 3 calls", count: 3, mend: "Ask Amazon for a higher quota, or lower calls_per_second." }] }),
        one("rehearsal", "waiting", { started_at: null }),
      ],
      cloud: { usd_hour: 0.42, usd_ceiling: 2, usd_saved: 12.3 + this.position() / 3600, calls: 8800 },
      sync: [{ sink: "dynamodb", waiting: 12, oldest: 3.2, fault: "" }, { sink: "s3", waiting: 0, oldest: 0, fault: "" }, { sink: "sns", waiting: 140, oldest: 190, fault: "no route to sns.us-east-1.amazonaws.com" }],
      engage: true, edits: true, gallery: true,
    };
  }

  timeline(media, from, until) {
    const { observations, breaks } = this.of(media);
    const meets = one => one.until > from && one.from < until;
    return { observations: observations.filter(meets), breaks: breaks.filter(meets) };
  }

  /** At most so many, evenly spread. */
  thumbnails(media, from, until, most = 500) {
    const all = this.of(media).observations.filter(o => o.from >= from && o.from <= until);
    const step = Math.max(1, all.length / most);
    const some = Array.from({ length: Math.min(all.length, most) }, (_, i) => all[Math.floor(i * step)]);
    const thumbnails = some.map(o => ({ position: o.from, url: `/v1/media/${media}/thumbnails/${Math.round(o.from * 1000)}.jpg`, width: 160, height: 90, boxes: boxesOf(o) }));
    return { thumbnails, ...(all.length > most && { thinned: true }) };
  }

  context(media, from, until) {
    const { observations, breaks } = this.timeline(media, from, until + 0.001);
    const merged = name => {
      const seen = new Map();
      for (const o of observations) for (const e of o[name]) {
        const before = seen.get(e.name);
        const span = { from: Math.max(from, o.from), until: Math.min(until, o.until), source: o.source };
        seen.set(e.name, before ? { ...e, ...span, from: before.from, confidence: Math.max(before.confidence, e.confidence) } : { ...e, ...span });
      }
      return [...seen.values()];
    };
    const analyzed = this.analyzedUntil(media);
    return { media, from, until, analyzed_until: analyzed, complete: analyzed !== null && until <= analyzed && !this.gapIn(media, from, until), celebrities: merged("celebrities"), objects: merged("objects"), ...(breaks.length && { breaks }) };
  }

  /** Whether a window meets a stretch that was not analysed. The quiet stretch of the event was: nobody was there. */
  gapIn(media, from, until) {
    return media === "cup-final" && gaps.some(([a, b]) => from < b && until > a);
  }

  /** Keeps the decision that is shown, or makes one. */
  decide(profile, decision) {
    const kept = decision && this.decisions.get(decision);
    if (kept) return [kept.answer];
    const one = this.instruments[this.decisions.size % 3];
    if (!one) return [];
    const answer = { decision: `D${this.decisions.size}-${profile}`, id: one.id, type: one.type, payload: one.payload };
    this.decisions.set(answer.decision, { answer, events: new Set() });
    const counts = this.count(one);
    counts.decisions++;
    return [answer];
  }

  count({ id, type }) {
    if (!this.counts.has(id)) this.counts.set(id, { id, type, decisions: 0, events: {}, reward: 0, spent: 0 });
    return this.counts.get(id);
  }

  engagement() {
    const instruments = this.instruments.map(i => this.count(i));
    const sum = key => instruments.reduce((total, i) => total + i[key], 0);
    return { policy: "linucb 17", decisions: sum("decisions"), instruments, policies: [
      { policy: "linucb", decisions: sum("decisions") - 900, events: { view: 7010, click: 28, answer: 1057 }, reward: sum("reward") - 60 },
      { policy: "uniform", decisions: 900, events: { view: 880, click: 4, answer: 56 }, reward: 60 },
    ] };
  }

  close() {
    clearInterval(this.timer);
  }
}
