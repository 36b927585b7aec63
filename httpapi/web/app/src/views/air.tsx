// On air: does it work? Seen in ten seconds.

import { useState } from "preact/hooks";
import { hearing, overview } from "../box/overview.ts";
import { useStore } from "../box/store.ts";
import type { Cloud, Fault, MediaOverview, Sink } from "../box/types.ts";
import { askAdmin } from "../box/ask.ts";
import { hashOf } from "../route.ts";
import { clockOf, lengthOf, timeOf } from "../time.ts";
import { Bar, Empty, Figure, Time, Wrong } from "../ui/parts.tsx";
import { asAdmin } from "../ui/token.tsx";
import { DelayChart } from "../ui/delay_chart.tsx";
import { late, newestFirst, verdictOf } from "../verdict.ts";

export function Air() {
  const told = useStore(overview);
  const how = useStore(hearing);
  if (!told) return <p class="quiet" role="status">{how.how === "broken" ? "Nothing was heard of the box yet." : "Asking the box …"}</p>;
  const away = how.how === "broken" && !how.reachable;
  const verdict = away ? { text: `Not known since ${timeOf(told.at)}. What follows is from then.`, tone: "bad" } : verdictOf(told);
  const running = told.media.filter(m => m.state === "live" || m.state === "stalled").map(m => m.media);
  return (
    <>
      <p class={`verdict ${verdict.tone}`}>{verdict.text}</p>
      {told.media.length === 0
        ? <Empty title="No media yet">Name one under media: in the box's configuration. It appears here by itself.</Empty>
        : <ul class="media">{told.media.map(m => <li key={m.media}><MediaCard of={m} edits={told.edits} /></li>)}</ul>}
      <div class="pair">
        <DelayChart media={running} />
        <div class="stack">
          <CloudCard cloud={told.cloud} />
          <SyncCard sinks={told.sync} />
        </div>
      </div>
    </>
  );
}

const whole = new Intl.NumberFormat();

function MediaCard({ of: m, edits }: { of: MediaOverview; edits: boolean }) {
  const tone = (m.delay ?? 0) > late && m.state === "live" ? "warn" : "";
  return (
    <article class={`card state-${m.state}`} aria-label={m.media}>
      <div class="card-head">
        <h2>{m.media}</h2>
        <span class={`chip ${m.state}`}>{m.state}</span>
      </div>
      <dl class="figures">
        <Figure name="Live edge">{clockOf(m.live_edge)}</Figure>
        <Figure name="Analysed to">{clockOf(m.analyzed_until)}</Figure>
        <Figure name="Delay" tone={tone}>{lengthOf(m.delay)}</Figure>
        <Figure name="Sampled">{whole.format(m.sampled)}</Figure>
        <Figure name="Admitted">{whole.format(m.admitted)}{m.sampled > 0 && <small> {shareOf(m.admitted, m.sampled)}</small>}</Figure>
        <Figure name="Asked">{whole.format(m.asked)}{m.sampled > 0 && <small> {shareOf(m.asked, m.sampled)}</small>}</Figure>
        <Figure name="Observations">{whole.format(m.observations)}</Figure>
        <Figure name="Since"><Time at={m.started_at} /></Figure>
      </dl>
      <p class="source"><span class="quiet">Source</span> {m.source ?? "none yet"}</p>
      <Faults of={m.faults} />
      <p class="actions">
        {m.player && <a class="button" href={hashOf("player", m.media)}>Player</a>}
        <a class="button" href={hashOf("timeline", m.media)}>Timeline</a>
        {edits && <StartStop of={m} />}
      </p>
    </article>
  );
}

const shareOf = (part: number, all: number): string => `${((part / all) * 100).toFixed(part / all < 0.1 ? 1 : 0)} %`;

function Faults({ of: faults }: { of: Fault[] }) {
  if (!faults.length) return <p class="quiet">No faults.</p>;
  return (
    <ul class="faults" aria-label="Last faults">
      {newestFirst(faults).slice(0, 3).map(f => (
        <li key={`${f.at} ${f.kind}`}>
          <span class="quiet"><Time at={f.at} /> {f.kind}{f.count > 1 ? ` × ${f.count}` : ""}</span>
          <span>{f.message}</span>
          {f.mend && <span class="mend">→ {f.mend}</span>}
        </li>
      ))}
    </ul>
  );
}

function StartStop({ of: m }: { of: MediaOverview }) {
  const [error, setError] = useState<unknown>(null);
  const verb = m.state === "stopped" || m.state === "ended" ? "start" : "stop";
  const act = async () => {
    if (verb === "stop" && !confirm(`Stop watching ${m.media}?`)) return;
    setError(null);
    try {
      await asAdmin(() => askAdmin(`/media/${encodeURIComponent(m.media)}/${verb}`, { method: "POST" }));
    } catch (wrong) {
      setError(wrong);
    }
  };
  return (
    <>
      <button type="button" onClick={() => void act()} aria-label={`${verb} ${m.media}`}>{verb === "start" ? "Start" : "Stop"}</button>
      {error !== null && <Wrong error={error} />}
    </>
  );
}

const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD", minimumFractionDigits: 2 });

function CloudCard({ cloud }: { cloud: Cloud | null }) {
  const ceiling = cloud?.usd_ceiling ?? null;
  const tone = cloud && ceiling !== null && cloud.usd_hour >= ceiling ? "warn" : "";
  return (
    <section class="card" aria-labelledby="cloud-title">
      <h2 id="cloud-title">Cloud</h2>
      {!cloud ? <p class="quiet">This box recognises by itself: no cloud, no cost.</p> : (
        <>
          <dl class="figures">
            <Figure name="Spent this hour" tone={tone}>{dollars.format(cloud.usd_hour)}</Figure>
            <Figure name="Ceiling">{ceiling === null ? "none" : dollars.format(ceiling)}</Figure>
            <Figure name="Saved" tone="good">{dollars.format(cloud.usd_saved)}</Figure>
            <Figure name="Calls">{whole.format(cloud.calls)}</Figure>
          </dl>
          {ceiling !== null && <Bar share={ceiling > 0 ? cloud.usd_hour / ceiling : 1} tone={tone} label="Spent of the ceiling" />}
        </>
      )}
    </section>
  );
}

function SyncCard({ sinks }: { sinks: Sink[] }) {
  return (
    <section class="card" aria-labelledby="sync-title">
      <h2 id="sync-title">Sync</h2>
      {sinks.length === 0 ? <p class="quiet">Nothing is synced: all stays on the box.</p> : (
        <ul class="sinks">
          {sinks.map(s => (
            <li key={s.sink}>
              <b>{s.sink}</b>
              <span class={s.fault ? "bad" : s.oldest > 60 ? "warn" : "good"}>{s.waiting ? `${whole.format(s.waiting)} waiting, the oldest ${lengthOf(s.oldest)}` : "all sent"}</span>
              {s.fault && <span class="bad">{s.fault}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
