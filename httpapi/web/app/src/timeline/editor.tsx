// What is chosen on the timeline, and what an admin can do about it.

import { useState } from "preact/hooks";
import { BoxProblem, askAdmin, saidBy } from "../box/ask.ts";
import type { Edit, MediaOverview, Observation } from "../box/types.ts";
import { hashOf } from "../route.ts";
import { clockOf, wallTimeOf } from "../time.ts";
import { Time } from "../ui/parts.tsx";
import { asAdmin } from "../ui/token.tsx";
import type { Lane, Sight } from "./lanes.ts";

interface Done {
  media: string;
  text: string;
  from: number;
  undo: string;
}

interface Props {
  media: MediaOverview;
  lane: Lane;
  sight: Sight | null;
  edits: boolean;
  /** Names of this kind that are on the timeline. */
  names: { name: string; id?: string }[];
  /** An edit's answer; name is what the entity is called now. */
  onEdited(observation: Observation, name: string): void;
  onClose(): void;
}

/** Edits that can be taken back, for as long as the page is open. */
const done: Done[] = [];

export function Editor({ media: m, lane, sight, edits, names, onEdited, onClose }: Props) {
  const [asking, setAsking] = useState<"rename" | "merge" | null>(null);
  const [text, setText] = useState("");
  const [said, setSaid] = useState<{ text: string; good: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const last = done.findLast(one => one.media === m.media);
  const path = (from: number, rest = "") => `/media/${encodeURIComponent(m.media)}/observations/${from}${rest}`;

  const run = async (action: () => Promise<{ observation: Observation; name: string; says: string } | null>) => {
    setBusy(true);
    setSaid(null);
    try {
      const result = await action();
      if (result) {
        setSaid({ text: result.says, good: true });
        setAsking(null);
        onEdited(result.observation, result.name);
      }
    } catch (error) {
      setSaid({ text: saidBy(error), good: false });
    }
    setBusy(false);
  };

  const edit = (verb: Edit["do"], to?: Edit["to"]) => run(async () => {
    if (!sight) return null;
    const { name, id } = sight.entity;
    const body: Edit = { do: verb, entity: id === undefined ? { name } : { name, id }, ...(to && { to }) };
    const from = sight.observation.from;
    const answer = await asAdmin(() => askAdmin<{ observation: Observation; undo: string }>(path(from), { method: "POST", body }));
    if (!answer) return null;
    const says = { accept: `Accepted ${name}`, reject: `Rejected ${name}`, rename: `Renamed ${name} to ${to?.name}`, merge: `Merged ${name} into ${to?.name}` }[verb];
    done.push({ media: m.media, text: `${says} at ${clockOf(from, 1)}`, from, undo: answer.undo });
    return { observation: answer.observation, name: to?.name ?? name, says: `${says}: revision ${answer.observation.revision}.` };
  });

  const undo = () => run(async () => {
    if (!last) return null;
    const forget = () => done.splice(done.indexOf(last), 1);
    const answer = await asAdmin(() => askAdmin<{ observation: Observation }>(path(last.from, "/undo"), { method: "POST", body: { undo: last.undo } })).catch((error: unknown) => {
      // It does not stand any more, or what it changed is gone: those before it can still be taken back.
      if (error instanceof BoxProblem && (error.status === 404 || error.status === 409)) forget();
      throw error;
    });
    if (!answer) return null;
    forget();
    return { observation: answer.observation, name: lane.name, says: `Taken back: ${last.text}.` };
  });

  const o = sight?.observation;
  const wall = o && m.state === "live" ? wallTimeOf(o.from, m.live_edge, new Date()) : null;
  const others = o ? [...o.celebrities, ...o.objects].filter(e => e.name !== lane.name).map(e => e.name) : [];
  return (
    <section class="card editor" aria-label="Chosen">
      <div class="card-head">
        <h2 class={lane.kind}>{lane.name}</h2>
        <button type="button" onClick={onClose} aria-label="Close what is chosen">×</button>
      </div>
      {!o || !sight ? <p class="quiet">Seen in {lane.sights.length} observations. Choose one by clicking it, or with the keys n and p.</p> : (
        <>
          <p class="num">{clockOf(o.from, 1)} – {clockOf(o.until, 1)} {wall && <span class="quiet"><Time at={wall} /></span>}</p>
          <p>{sight.entity.confidence.toFixed(1)} % by {o.source} <span class="quiet">· revision {o.revision}</span></p>
          {others.length > 0 && <p class="quiet">With {others.join(", ")}</p>}
          <p class="actions">
            {m.player && <a class="button" href={hashOf("player", m.media, o.from)}>Play from here</a>}
            {edits && <>
              <button type="button" disabled={busy} onClick={() => void edit("accept")}>Accept</button>
              <button type="button" disabled={busy} aria-expanded={asking === "rename"} onClick={() => (setAsking("rename"), setText(lane.name))}>Rename …</button>
              <button type="button" disabled={busy} aria-expanded={asking === "merge"} onClick={() => (setAsking("merge"), setText(""))}>Merge …</button>
              <button type="button" disabled={busy} class="danger" onClick={() => void edit("reject")}>Reject</button>
            </>}
          </p>
          {asking && (
            <form class="inline" onSubmit={e => {
              e.preventDefault();
              const name = text.trim();
              const known = names.find(n => n.name === name);
              if (name) void edit(asking, asking === "merge" && known ? known : { name });
            }}>
              <label>{asking === "rename" ? "New name" : "Merge into"}
                {asking === "rename"
                  ? <input value={text} onInput={e => setText(e.currentTarget.value)} required />
                  : <select value={text} onChange={e => setText(e.currentTarget.value)} required>
                    <option value="">Choose …</option>
                    {names.filter(n => n.name !== lane.name).map(n => <option key={`${n.id ?? ""} ${n.name}`} value={n.name}>{n.name}</option>)}
                  </select>}
              </label>
              <button class="primary" disabled={busy}>{asking === "rename" ? "Rename" : "Merge"}</button>
              <button type="button" onClick={() => setAsking(null)}>Cancel</button>
            </form>
          )}
        </>
      )}
      <div role="status">
        {said && <p class={said.good ? "good" : "bad"}>{said.text}</p>}
      </div>
      {edits && last && <button type="button" disabled={busy} onClick={() => void undo()}>Undo: {last.text}</button>}
    </section>
  );
}
