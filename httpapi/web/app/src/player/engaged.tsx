// What the box would show a viewer now, working.

import { useState } from "preact/hooks";
import { askAdmin } from "../box/ask.ts";
import { overview } from "../box/overview.ts";
import { adminToken } from "../box/secrets.ts";
import { useStore } from "../box/store.ts";
import type { Engagement, Instrument } from "../box/types.ts";
import { Interval } from "../ui/interval.tsx";
import { Time, useAsked } from "../ui/parts.tsx";
import { wilson } from "../wilson.ts";
import { InstrumentCard, type Said } from "./instrument_card.tsx";

interface EngagedProps {
  profile: string;
  instruments: Instrument[] | undefined;
  set(profile: string): void;
  again(): void;
}

export function Engaged({ profile, instruments, set, again }: EngagedProps) {
  const [text, setText] = useState(profile);
  const [log, setLog] = useState<Said[]>([]);
  const engages = useStore(overview)?.engage;
  if (!engages) return <section class="card" aria-label="Instruments"><h2>What suits the viewer</h2><p class="quiet">This box engages nobody: its configuration has no section engage.</p></section>;
  return (
    <section class="card" aria-label="Instruments">
      <h2>What suits the viewer</h2>
      <form class="inline" onSubmit={e => {
        e.preventDefault();
        set(text.trim());
      }}>
        <label>Profile<input value={text} placeholder="an id, such as p1" maxLength={256} onInput={e => setText(e.currentTarget.value)} /></label>
        <button class="primary">Engage</button>
      </form>
      {!profile ? <p class="quiet">Name a viewer, and see what the box would show them now. Each decision counts as any other.</p>
        : !instruments ? <p class="quiet" role="status">Asking the box …</p>
        : instruments.length ? instruments.map(one => <InstrumentCard key={one.decision} of={one} onSaid={said => setLog(before => [said, ...before].slice(0, 8))} onDone={again} />)
        : <p class="quiet">Nothing suits “{profile}” at this position.</p>}
      {log.length > 0 && <ul class="log" aria-label="What the box answered" aria-live="polite">{log.map((said, i) => <li key={i} class={said.good ? "good" : "bad"}><span class="quiet"><Time at={said.at} /></span> {said.text}</li>)}</ul>}
      <Learned heard={log.length ? log[0]!.at.getTime() : 0} />
    </section>
  );
}

/** What the box has counted by now, for an admin: it changes with what the viewer does above. */
function Learned({ heard }: { heard: number }) {
  const token = useStore(adminToken);
  const counts = useAsked(signal => (token ? askAdmin<Engagement>("/engagement", { signal }) : Promise.resolve(null)), [token, heard]);
  if (!counts.value) return null;
  return (
    <details>
      <summary>What was learned by now: {counts.value.policy}</summary>
      <table>
        <thead><tr><th scope="col">Instrument</th><th scope="col" class="num">Decisions</th><th scope="col">Reward of a decision</th></tr></thead>
        <tbody>{counts.value.instruments.map(i => <tr key={i.id}><th scope="row">{i.id}</th><td class="num">{i.decisions}</td><td><Interval of={wilson(i.reward, i.decisions)} name={i.id} /></td></tr>)}</tbody>
      </table>
    </details>
  );
}
