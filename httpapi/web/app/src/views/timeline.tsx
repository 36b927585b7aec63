// Timeline: all of the event, lane by lane.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { overview } from "../box/overview.ts";
import { useStore } from "../box/store.ts";
import type { MediaOverview, Observation } from "../box/types.ts";
import { Screen } from "../player/screen.tsx";
import { clockOf, positionOf, timeOf, wallTimeOf } from "../time.ts";
import { Editor } from "../timeline/editor.tsx";
import { EventLanes } from "../timeline/lanes.ts";
import { load } from "../timeline/loader.ts";
import { Stage, type Choice, type StageHandle } from "../timeline/stage.tsx";
import { Empty, Time } from "../ui/parts.tsx";

/** Somewhere to seek; an object, so that the same position twice is two wishes. */
export interface Going {
  position: number;
}

export function TimelineView({ of: m, at }: { of: MediaOverview; at: number | null }) {
  const event = useMemo(() => new EventLanes(), [m.media]);
  const [, setRound] = useState(0);
  const [loading, setLoading] = useState({ done: 0, all: 1 });
  const [trouble, setTrouble] = useState("");
  const [find, setFind] = useState("");
  const [follow, setFollow] = useState(false);
  const [chosen, setChosen] = useState<Choice | null>(null);
  const [withPlayer, setWithPlayer] = useState(() => matchMedia("(min-width: 62rem)").matches);
  const [going, setGoing] = useState<Going | null>(at === null ? null : { position: at });
  const [playing, setPlaying] = useState<number | null>(null);
  const hovered = useRef<HTMLParagraphElement>(null);
  const revised = useRef(new Map<number, number>());
  const stage = useRef<StageHandle | null>(null);
  const edits = useStore(overview)?.edits ?? false;

  useEffect(() => load(m.media, m.analyzed_until, event, {
    onChange(from) {
      for (const one of from) revised.current.set(one, Date.now());
      for (const [one, when] of revised.current) if (Date.now() - when > 10_000) revised.current.delete(one);
      setRound(n => n + 1);
    },
    onLoading: (done, all) => setLoading({ done, all }),
    onTrouble: setTrouble,
  }), [m.media, event]);
  useEffect(() => {
    if (at === null) return;
    setGoing({ position: at });
    stage.current?.show(at, 600);
  }, [at]);

  const wanted = find.trim().toLowerCase();
  const lanes = wanted ? event.lanes.filter(l => l.name.toLowerCase().includes(wanted)) : event.lanes;
  if (m.state === "live" && m.analyzed_until !== null && loading.done > 0) event.lasts(m.analyzed_until);
  const extent = event.extent;
  const limits = { from: Math.min(extent?.from ?? 0, 0), until: Math.max(m.live_edge ?? 0, m.analyzed_until ?? 0, extent?.until ?? 60) };
  const lane = chosen ? event.lane(chosen.lane) : undefined;
  const sight = (chosen?.from != null && lane?.sights.find(s => s.observation.from === chosen.from)) || null;
  const loaded = loading.done >= loading.all;

  const hover = (name: string, position: number | null) => {
    if (!hovered.current) return;
    // Told with every move of the pointer, so past the page's own drawing.
    const wall = position !== null && m.state === "live" ? wallTimeOf(position, m.live_edge, new Date()) : null;
    hovered.current.textContent = [position === null ? "" : clockOf(position, 1), wall ? timeOf(wall) : "", name].filter(t => t).join("  ·  ");
  };
  const edited = (observation: Observation, name: string) => {
    event.take(observation);
    revised.current.set(observation.from, Date.now());
    const kind = lane?.kind ?? "celebrity";
    const entity = (kind === "celebrity" ? observation.celebrities : observation.objects).find(e => e.name === name);
    setChosen(entity ? { lane: `${kind}\n${entity.id ?? ""}\n${entity.name}`, from: observation.from } : lane ? { lane: lane.key, from: null } : null);
    setRound(n => n + 1);
  };
  const seek = (position: number) => {
    if (m.player && withPlayer) setGoing({ position });
  };

  return (
    <div class={`timeline ${chosen || (withPlayer && m.player) ? "with-side" : ""}`}>
      <div class="tools" role="group" aria-label="Tools of the timeline">
        <label>Find<input type="search" value={find} placeholder="a name" onInput={e => setFind(e.currentTarget.value)} /></label>
        <label>Lane
          <select value={chosen?.lane ?? ""} onChange={e => setChosen(e.currentTarget.value ? { lane: e.currentTarget.value, from: null } : null)}>
            <option value="">none</option>
            {lanes.map(l => <option key={l.key} value={l.key}>{l.name}</option>)}
          </select>
        </label>
        <GoTo onGo={position => {
          stage.current?.show(position, 600);
          seek(position);
        }} />
        <span class="group">
          <button type="button" aria-label="Zoom in" onClick={() => stage.current?.zoom(1 / 2)}>+</button>
          <button type="button" aria-label="Zoom out" onClick={() => stage.current?.zoom(2)}>−</button>
          <button type="button" onClick={() => stage.current?.all()}>All</button>
          <button type="button" aria-pressed={follow} onClick={() => {
            if (!follow && m.live_edge !== null) stage.current?.show(m.live_edge, 300);
            setFollow(!follow);
          }}>Follow live</button>
          {m.player && <button type="button" aria-pressed={withPlayer} onClick={() => setWithPlayer(!withPlayer)}>Player</button>}
        </span>
      </div>
      <div class="stage-wrap">
        {lanes.length === 0 && loaded && !trouble && (event.size === 0
          ? <Empty title="Nothing was observed yet">Lanes appear as soon as somebody or something is seen.</Empty>
          : <Empty title={wanted ? `No lane is called “${find}”` : "Nobody and nothing was seen yet"} />)}
        <Stage media={m.media} event={event} lanes={lanes} limits={limits} analyzedUntil={m.analyzed_until} liveEdge={m.state === "ended" ? null : m.live_edge}
          playing={withPlayer ? playing : null} chosen={chosen} revised={revised.current} follow={follow} onFollow={setFollow} onChoose={setChosen} onSeek={seek}
          onHover={hover} onKey={() => false} handle={handle => {
            stage.current = handle;
            if (at !== null) handle.show(at, 600);
          }} />
        <div class="under">
          <p class="quiet" ref={hovered} />
          <p class="quiet counts" role="status" data-observations={event.size} data-loaded={loaded}>
            {loaded ? `${event.size.toLocaleString()} observations, ${event.lanes.length} lanes, ${event.gaps.length} gaps` : `Reading hour ${loading.done + 1} of ${loading.all} …`}
          </p>
        </div>
        <ul class="key">
          <li><i class="celebrity" />celebrity</li><li><i class="object" />object</li><li><i class="local" />by a local model (lower)</li>
          <li><i class="ad" />ad break</li><li><i class="gap" />not analysed</li>
        </ul>
        <p id="stage-keys" class="hint">Wheel zooms, drag moves, shift and wheel goes through the lanes. Keys: ← → Page Home End move, + − 0 zoom, ↑ ↓ lane, n p observation, Enter plays.</p>
        {trouble && <p class="trouble" role="status">{trouble}</p>}
      </div>
      <div class="side">
        {withPlayer && m.player && <Screen media={m.media} path={m.player} at={going} onPosition={position => {
          // Drawn when it has moved by what can be seen.
          setPlaying(before => (before !== null && position !== null && Math.abs(before - position) < 0.2 ? before : position));
        }} />}
        {withPlayer && m.player && <p class="position">{clockOf(playing, 1)} {playing !== null && m.state === "live" && <span class="quiet"><Time at={wallTimeOf(playing, m.live_edge, new Date())} /></span>}</p>}
        {lane && <Editor key={`${m.media} ${lane.kind}`} media={m} lane={lane} sight={sight} edits={edits} names={event.lanes.filter(l => l.kind === lane.kind).map(({ name, id }) => (id === undefined ? { name } : { name, id }))}
          onEdited={edited} onClose={() => setChosen(null)} />}
      </div>
    </div>
  );
}

function GoTo({ onGo }: { onGo: (position: number) => void }) {
  const [text, setText] = useState("");
  return (
    <form class="inline" onSubmit={e => {
      e.preventDefault();
      const position = positionOf(text);
      if (position !== null) onGo(position);
    }}>
      <label>Position<input value={text} placeholder="h:mm:ss" size={8} onInput={e => setText(e.currentTarget.value)} /></label>
      <button>Go</button>
    </form>
  );
}
