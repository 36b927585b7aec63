// An instrument as JSON, with what the box finds wrong in it.

import { useEffect, useRef, useState } from "preact/hooks";
import { BoxProblem, askAdmin } from "../box/ask.ts";
import type { InstrumentText } from "../box/types.ts";
import { Wrong } from "./parts.tsx";

const example: Omit<InstrumentText, "id"> = { type: "poll", payload: { question: "Who wins?", options: ["Home", "Away"] }, targets: { any: ["Person"] }, caps: { per_viewer: 1 } };

interface Props {
  of: InstrumentText | null;
  onSaved(): void;
  onClose(): void;
}

export function InstrumentEditor({ of: one, onSaved, onClose }: Props) {
  const [id, setId] = useState(one?.id ?? "");
  const [text, setText] = useState(() => {
    const { id: _, ...rest } = one ?? { id: "", ...example };
    return JSON.stringify(rest, null, 2);
  });
  const [error, setError] = useState<unknown>(null);
  const place = useRef<HTMLElement>(null);
  // It stands below the table: who asked for it should be where it is.
  useEffect(() => place.current?.querySelector<HTMLElement>("input, textarea")?.focus(), []);
  const path = () => `/instruments/${encodeURIComponent(id.trim())}`;
  const act = async (action: () => Promise<unknown>) => {
    setError(null);
    try {
      await action();
      onSaved();
    } catch (wrong) {
      setError(wrong);
    }
  };
  const save = () => act(async () => {
    try {
      JSON.parse(text);
    } catch (wrong) {
      throw new BoxProblem(0, `This is no JSON: ${(wrong as Error).message}`);
    }
    await askAdmin(path(), { method: "PUT", body: text }); // as it was typed: the box keeps a payload byte for byte
  });
  return (
    <section ref={place} class="card" aria-label={one ? `Edit ${one.id}` : "New instrument"}>
      <div class="card-head"><h2>{one ? one.id : "New instrument"}</h2><button type="button" aria-label="Close the editor" onClick={onClose}>×</button></div>
      <form onSubmit={e => {
        e.preventDefault();
        void save();
      }}>
        {!one && <label>Id<input value={id} maxLength={128} onInput={e => setId(e.currentTarget.value)} required /></label>}
        <label>JSON<textarea rows={14} spellcheck={false} value={text} onInput={e => setText(e.currentTarget.value)} aria-invalid={error !== null} /></label>
        <p class="actions">
          <button class="primary">Save</button>
          {one && <button type="button" class="danger" onClick={() => confirm(`Delete ${one.id} and its counts?`) && void act(() => askAdmin(path(), { method: "DELETE" }))}>Delete</button>}
        </p>
      </form>
      {error !== null && <Wrong error={error} />}
    </section>
  );
}
