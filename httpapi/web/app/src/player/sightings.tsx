// Who and what a window has, with what is on screen at the very moment ahead.

import type { Sighting } from "../box/types.ts";
import { spanOf } from "../time.ts";
import { isOn } from "./on_screen.ts";

interface Props {
  title: string;
  kind: "celebrity" | "object";
  list: Sighting[];
  position: number;
  /** To where anything is known. */
  until: number;
  complete: boolean;
}

export function Sightings({ title, kind, list, position, until, complete }: Props) {
  const on = (s: Sighting) => isOn(s, position, until);
  const sorted = [...list].sort((a, b) => Number(on(b)) - Number(on(a)) || b.confidence - a.confidence || a.name.localeCompare(b.name));
  return (
    <section class="sightings" aria-label={title}>
      <h3>{title} <span class="quiet">{list.length}</span></h3>
      {sorted.length === 0 && <p class="quiet">{complete ? "None in this window." : "Not analysed yet."}</p>}
      <ul>
        {sorted.map(s => (
          <li key={`${s.id ?? ""} ${s.name}`} class={on(s) ? `on ${kind}` : kind} data-name={s.name} data-on={on(s)}>
            <span class="who">
              <i aria-hidden="true" />
              {s.name}
              <span class="sr">{on(s) ? ", on screen" : ", in the window"}</span>
            </span>
            <span class="quiet from" title={s.urls?.join(", ")}>{spanOf(s.from, s.until)} · {s.source}</span>
            <span class="num">{s.confidence.toFixed(1)} %</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
