// Instruments: what viewers are engaged with, and what came of it.

import { useEffect, useState } from "preact/hooks";
import { askAdmin } from "../box/ask.ts";
import { overview } from "../box/overview.ts";
import { useStore } from "../box/store.ts";
import type { Engagement, InstrumentCounts, InstrumentText } from "../box/types.ts";
import { dayOf } from "../time.ts";
import { wilson } from "../wilson.ts";
import { Empty, Figure, Wrong, useAsked } from "../ui/parts.tsx";
import { ForAdmin } from "../ui/token.tsx";
import { Interval } from "../ui/interval.tsx";
import { InstrumentEditor } from "../ui/instrument_editor.tsx";

export function Instruments() {
  const told = useStore(overview);
  if (told && !told.engage) return <Empty title="This box engages nobody">Its configuration has no section engage. With one, instruments are chosen for viewers here.</Empty>;
  return <ForAdmin what="Instruments are the admin's"><All /></ForAdmin>;
}

const whole = new Intl.NumberFormat();

function All() {
  const list = useAsked(signal => askAdmin<{ instruments: InstrumentText[] }>("/instruments", { signal }), []);
  const counts = useAsked(signal => askAdmin<Engagement>("/engagement", { signal }), []);
  useEffect(() => {
    // Counts go on while they are looked at. Five seconds after an answer: a box that takes longer for one would never be heard out.
    if (counts.busy) return;
    const timer = setTimeout(counts.again, 5_000);
    return () => clearTimeout(timer);
  }, [counts.busy]);
  const [editing, setEditing] = useState<InstrumentText | "new" | null>(null);
  const again = () => {
    list.again();
    counts.again();
  };
  if (list.error && !list.value) return <Wrong error={list.error} again={again} />;
  if (!list.value) return <p class="quiet" role="status">Asking the box …</p>;
  const engagement = counts.value;
  const of = (id: string) => engagement?.instruments.find(i => i.id === id);
  return (
    <div class="stack">
      <dl class="figures wide">
        <Figure name="Policy">{engagement?.policy ?? "–"}</Figure>
        <Figure name="Decisions">{engagement ? whole.format(engagement.decisions) : "–"}</Figure>
        <Figure name="Instruments">{list.value.instruments.length}</Figure>
      </dl>
      {counts.error !== null && <Wrong error={counts.error} again={counts.again} />}
      <section class="card" aria-labelledby="instruments-title">
        <div class="card-head"><h2 id="instruments-title">Instruments</h2><button type="button" onClick={() => setEditing("new")}>New …</button></div>
        {list.value.instruments.length === 0 ? <Empty title="No instruments yet">Make one here, or name a file in engage.instruments.</Empty> : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Instruments, a wide table">
            <table class="instruments">
              <thead><tr>
                <th scope="col">Instrument</th><th scope="col">Flight</th><th scope="col" class="num">Caps and budget</th><th scope="col" class="num">Decisions</th>
                <th scope="col" class="num">Events</th><th scope="col">Clicks and answers of decisions</th><th scope="col"><span class="sr">Edit</span></th>
              </tr></thead>
              <tbody>{list.value.instruments.map(i => <Row key={i.id} of={i} counts={of(i.id)} edit={() => setEditing(i)} />)}</tbody>
            </table>
          </div>
        )}
      </section>
      {editing && <InstrumentEditor key={editing === "new" ? "" : editing.id} of={editing === "new" ? null : editing} onSaved={() => {
        setEditing(null);
        again();
      }} onClose={() => setEditing(null)} />}
      <Policies of={engagement} />
    </div>
  );
}

/** The share of decisions that were clicked or answered: of polls and quizzes nobody clicks. */
function acted({ decisions, events = {} }: { decisions: number; events?: Record<string, number> }) {
  return wilson(Math.min((events.click ?? 0) + (events.answer ?? 0), decisions), decisions);
}

/** What a flight is now. */
function flightOf(one: InstrumentText, now: Date): { text: string; tone: string } {
  const { start, end } = one.flight ?? {};
  if (end && new Date(end) <= now) return { text: `ended ${dayOf(end)}`, tone: "quiet" };
  if (start && new Date(start) > now) return { text: `from ${dayOf(start)}`, tone: "warn" };
  return { text: end ? `until ${dayOf(end)}` : "always", tone: "good" };
}

function Row({ of: one, counts, edit }: { of: InstrumentText; counts: InstrumentCounts | undefined; edit: () => void }) {
  const flight = flightOf(one, new Date());
  const caps = [
    one.caps?.total && `${counts?.left != null ? `${whole.format(counts.left)} of ` : ""}${whole.format(one.caps.total)} left`,
    one.caps?.per_viewer && `${one.caps.per_viewer} a viewer`,
    one.budget && `${counts?.budget_left != null ? `${counts.budget_left.toFixed(2)} left of ` : ""}${one.budget}`,
  ].filter(text => text);
  const share = counts ? acted(counts) : null;
  return (
    <tr>
      <th scope="row">{one.id} <span class="chip">{one.type}</span>{one.priority ? <span class="quiet"> priority {one.priority}</span> : null}</th>
      <td class={flight.tone} data-label="Flight">{flight.text}</td>
      <td class="num" data-label="Caps and budget"><div>{caps.length ? caps.map(text => <div key={String(text)}>{text}</div>) : <span class="quiet">none</span>}</div></td>
      <td class="num" data-label="Decisions">{counts ? whole.format(counts.decisions) : "–"}</td>
      <td class="num" data-label="Events"><div>{counts ? Object.entries(counts.events).map(([type, n]) => <div key={type}>{whole.format(n)} <span class="quiet">{type}</span></div>) : "–"}</div></td>
      <td data-label="Clicks and answers"><Interval of={share} name={one.id} /></td>
      <td><button type="button" aria-label={`Edit ${one.id}`} onClick={edit}>Edit</button></td>
    </tr>
  );
}

function Policies({ of: engagement }: { of: Engagement | null }) {
  const policies = engagement?.policies ?? [];
  return (
    <section class="card" aria-labelledby="policies-title">
      <h2 id="policies-title">Clicks and reward by policy</h2>
      {policies.length === 0 ? <p class="quiet">Nothing was decided yet.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Clicks and reward by policy, a wide table">
          <table>
            <thead><tr><th scope="col">Policy</th><th scope="col" class="num">Decisions</th><th scope="col">Clicks and answers of decisions</th><th scope="col" class="num">Reward</th><th scope="col">Reward of a decision</th></tr></thead>
            <tbody>{policies.map(p => (
              <tr key={p.policy}><th scope="row">{p.policy}</th><td class="num">{whole.format(p.decisions)}</td><td><Interval of={acted(p)} name={`${p.policy}, clicks and answers`} /></td><td class="num">{p.reward.toFixed(1)}</td><td><Interval of={wilson(p.reward, p.decisions)} name={`${p.policy}, reward`} /></td></tr>
            ))}</tbody>
          </table>
        </div>
      )}
      <p class="hint">Intervals are Wilson's, 95 %; their lines go from 0 to 30 %. Policies met different viewers at different times: whether one is better is told by spotter engage evaluate.</p>
    </section>
  );
}
