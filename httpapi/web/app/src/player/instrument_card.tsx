// An instrument as a viewer's app might show it.

import { useEffect, useState } from "preact/hooks";
import { saidBy, spotter } from "../box/ask.ts";
import type { Instrument } from "../box/types.ts";
import type { EventType } from "../../../client/index.js";
import { readPayload } from "./payload.ts";

export interface Said {
  at: Date;
  text: string;
  good: boolean;
}

const asked = new Set(["poll", "quiz", "trivia"]);

interface Props {
  of: Instrument;
  onSaid(said: Said): void;
  /** The viewer wants another one. */
  onDone(): void;
}

export function InstrumentCard({ of: one, onSaid, onDone }: Props) {
  const [done, setDone] = useState<Partial<Record<EventType, string>>>({});
  const [text, setText] = useState("");
  const { title, text: more, choices, right } = readPayload(one.payload);
  const send = async (type: EventType, word = "") => {
    setDone(before => ({ ...before, [type]: word || type }));
    try {
      await spotter.event(one.decision, type);
      onSaid({ at: new Date(), text: `${one.id}: ${type}${word ? ` “${word}”` : ""} counts`, good: true });
    } catch (error) {
      onSaid({ at: new Date(), text: `${one.id}: ${type}: ${saidBy(error)}`, good: false });
    }
  };
  useEffect(() => {
    setDone({});
    setText("");
    void send("view");
  }, [one.decision]);
  const answered = done.answer;
  return (
    <article class="instrument" aria-label={`${one.type} ${one.id}`}>
      <p class="quiet"><span class="chip">{one.type}</span> {one.id}</p>
      <h3>{title || one.id}</h3>
      {more && <p>{more}</p>}
      {asked.has(one.type) ? (
        answered ? (
          <p role="status">You said “{answered}”.{right && (answered.toLowerCase() === right.toLowerCase() ? " That is right." : ` It is “${right}”.`)}</p>
        ) : choices.length ? (
          <div class="choices">{choices.map(choice => <button key={choice} type="button" onClick={() => void send("answer", choice)}>{choice}</button>)}</div>
        ) : (
          <form class="inline" onSubmit={e => {
            e.preventDefault();
            if (text.trim()) void send("answer", text.trim());
          }}>
            <label>Your answer<input value={text} onInput={e => setText(e.currentTarget.value)} required /></label>
            <button class="primary">Answer</button>
          </form>
        )
      ) : (
        <div class="choices">
          <button type="button" class="primary" disabled={!!done.click} onClick={() => void send("click")}>{done.click ? "Clicked" : "Show me"}</button>
          {done.click && <button type="button" disabled={!!done.convert} onClick={() => void send("convert")}>{done.convert ? "Taken" : "Take it"}</button>}
        </div>
      )}
      <p class="actions">
        <button type="button" onClick={() => void send("dismiss").then(onDone)}>Dismiss</button>
        {(answered || done.click) && <button type="button" onClick={onDone}>Ask for another</button>}
      </p>
      <details><summary>What the app gets</summary><pre tabIndex={0}>{JSON.stringify(one, null, 2)}</pre></details>
    </article>
  );
}
