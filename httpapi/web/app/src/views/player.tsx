// Player: the stream, and in step with it what the API tells an app.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { saidBy, spotter } from "../box/ask.ts";
import { keyWanted } from "../box/secrets.ts";
import { overview } from "../box/overview.ts";
import { useStore } from "../box/store.ts";
import type { MediaOverview } from "../box/types.ts";
import { Problem, type Context } from "../../../client/index.js";
import { Engaged } from "../player/engaged.tsx";
import { framesOf } from "../player/boxes.ts";
import { Nearby } from "../player/nearby.ts";
import { Screen } from "../player/screen.tsx";
import { knownUntil } from "../player/on_screen.ts";
import { Sightings } from "../player/sightings.tsx";
import { hashOf } from "../route.ts";
import { clockOf, positionOf, wallTimeOf } from "../time.ts";
import { Empty, Time } from "../ui/parts.tsx";

const every = 500; // ms between two look-ups while it plays

/** What is asked for beside the position. */
interface Wish {
  backward: number;
  forward: number;
  profile: string;
}

export function PlayerView({ of: m, at }: { of: MediaOverview; at: number | null }) {
  const [position, setPosition] = useState<number | null>(null);
  const [clocked, setClocked] = useState(true);
  const [wish, setWish] = useState<Wish>({ backward: 10, forward: 0, profile: "" });
  const [go, setGo] = useState(at === null ? null : { position: at });
  useEffect(() => setGo(at === null ? null : { position: at }), [at]);
  const { answer, trouble, again } = useContext(m.media, m.player ? position : at ?? m.analyzed_until, wish);
  const shown = position ?? (answer ? answer.from + wish.backward : 0);
  const pictures = useNearby(m.media, m.player ? position : null);
  const framed = useMemo(() => framesOf(pictures, answer, shown), [pictures, answer, shown]);
  return (
    <div class="watch">
      <div class="watch-left">
        {m.player
          ? <Screen media={m.media} path={m.player} at={go} framed={framed} onPosition={(next, playback) => {
            setPosition(next);
            setClocked(playback.clocked);
          }} />
          : <Empty title="The box passes no stream of this media on">What was analysed last is told beside. The timeline has <a href={hashOf("timeline", m.media)}>all of it</a>.</Empty>}
        <Where of={m} position={position ?? (m.player ? null : answer && shown)} clocked={clocked} onGo={next => setGo({ position: next })} />
        <Window wish={wish} set={setWish} />
        {answer && <details class="raw"><summary>What the API answers</summary><pre tabIndex={0}>{JSON.stringify(answer, null, 2)}</pre></details>}
      </div>
      <div class="watch-right">
        {trouble && <p class="trouble" role="status">{trouble}</p>}
        <section class="card onscreen" aria-labelledby="onscreen-title">
          <h2 id="onscreen-title" class="sr">On screen</h2>
          <p class="window-line">
            {answer ? <>Window {clockOf(answer.from, 1)} – {clockOf(answer.until, 1)} <span class={`chip ${answer.complete ? "live" : "waiting"}`}>{answer.complete ? "analysed" : "not all analysed yet"}</span></> : "Waiting for the picture …"}
          </p>
          {answer?.breaks?.length ? <p class="chip ad">Ad break{answer.breaks[0]?.skipped ? ", not analysed" : ""}</p> : null}
          {answer && <Sightings title="Celebrities" kind="celebrity" list={answer.celebrities} position={shown} until={knownUntil(answer)} complete={answer.complete} />}
          {answer && <Sightings title="Objects" kind="object" list={answer.objects} position={shown} until={knownUntil(answer)} complete={answer.complete} />}
        </section>
        <Engaged profile={wish.profile} instruments={answer?.instruments} set={profile => setWish(w => ({ ...w, profile }))} again={again} />
      </div>
    </div>
  );
}

/** Asks for the window around a position, again and again while it moves. */
function useContext(media: string, position: number | null, wish: Wish) {
  const [answer, setAnswer] = useState<Context | null>(null);
  const [trouble, setTrouble] = useState("");
  const now = useRef({ position, wish });
  now.current = { position, wish };
  const ring = useRef<() => void>(() => undefined);
  const renew = useRef(false);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let busy = false;
    const look = async () => {
      clearTimeout(timer);
      if (busy || stop.signal.aborted) return;
      const { position: at, wish: asked } = now.current;
      if (at !== null && !document.hidden) {
        busy = true;
        try {
          // An empty decision asks for a new one; else the client keeps what is shown.
          const decision = renew.current ? "" : undefined;
          renew.current = false;
          const query = { position: Math.round(at * 1000) / 1000, backward: asked.backward, forward: asked.forward };
          const next = await spotter.context(media, asked.profile ? { ...query, profile: asked.profile, decision } : query, { signal: stop.signal });
          setAnswer(next);
          setTrouble("");
        } catch (error) {
          if (!stop.signal.aborted) setTrouble(saidBy(error));
          if (error instanceof Problem && error.status === 401) keyWanted.set(true);
        }
        busy = false;
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void look(), every);
    };
    ring.current = () => void look();
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [media]);
  // A jump, or another wish, is asked about at once.
  const jumped = useRef<number | null>(null);
  useEffect(() => {
    if (position === null) return;
    if (jumped.current === null || Math.abs(position - jumped.current) > 1) ring.current();
    jumped.current = position;
  }, [position]);
  useEffect(() => ring.current(), [wish]);
  return {
    answer, trouble,
    again: () => {
      renew.current = true;
      ring.current();
    },
  };
}

/** The pictures around a position, with the boxes in them. */
function useNearby(media: string, position: number | null) {
  const [pictures, setPictures] = useState<Nearby["pictures"]>([]);
  const nearby = useRef<Nearby | null>(null);
  useEffect(() => {
    const mine: Nearby = new Nearby(media, () => setPictures(mine.pictures));
    nearby.current = mine;
    return () => {
      mine.stop();
      setPictures([]);
    };
  }, [media]);
  useEffect(() => {
    if (position !== null) void nearby.current?.at(position);
  }, [media, position]);
  return pictures;
}

function Where({ of: m, position, clocked, onGo }: { of: MediaOverview; position: number | null; clocked: boolean; onGo: (at: number) => void }) {
  const [text, setText] = useState("");
  const told = useStore(overview);
  const wall = position !== null && m.state === "live" && told ? wallTimeOf(position, m.live_edge, new Date(told.at)) : null;
  return (
    <div class="where">
      <p class="position" data-position={position ?? ""}>{clockOf(position, 1)} {wall && <span class="quiet"><Time at={wall} /></span>}</p>
      {position !== null && m.live_edge !== null && m.state === "live" && <p class="quiet">{clockOf(Math.max(0, m.live_edge - position), 1)} behind live</p>}
      {m.player && <form class="inline" onSubmit={e => {
        e.preventDefault();
        const at = positionOf(text);
        if (at !== null) onGo(at);
      }}>
        <label>Go to<input placeholder="h:mm:ss" value={text} onInput={e => setText(e.currentTarget.value)} pattern="\s*-?(\d+:)?(\d{1,2}:)?\d+(\.\d{1,3})?\s*" size={9} /></label>
        <button>Go</button>
      </form>}
      <a class="button" href={hashOf("timeline", m.media, position)}>On the timeline</a>
      {!clocked && <p class="hint">This stream tells no wall-clock time: the player's own time is taken as the position, which is right for a recording only.</p>}
    </div>
  );
}

function Window({ wish, set }: { wish: Wish; set: (wish: Wish) => void }) {
  const slider = (name: "backward" | "forward", label: string) => (
    <label class="slider">
      <span>{label} <output>{wish[name]} s</output></span>
      <input type="range" min={0} max={60} step={1} value={wish[name]} onInput={e => set({ ...wish, [name]: Number(e.currentTarget.value) })} />
    </label>
  );
  return <fieldset class="sliders"><legend>Window of the look-up</legend>{slider("backward", "Backward")}{slider("forward", "Forward")}</fieldset>;
}
