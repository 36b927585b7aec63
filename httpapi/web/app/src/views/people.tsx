// People: whom the box knows by face, whom it takes for another, and who has no name yet.

import { useRef, useState } from "preact/hooks";
import { BoxProblem, askAdmin, saidBy } from "../box/ask.ts";
import { overview } from "../box/overview.ts";
import { useStore } from "../box/store.ts";
import type { Confusion, Person, UnknownFace } from "../box/types.ts";
import { hashOf } from "../route.ts";
import { clockOf, lengthOf } from "../time.ts";
import { Empty, Time, Wrong, useAsked } from "../ui/parts.tsx";
import { ForAdmin } from "../ui/token.tsx";

interface Gallery {
  people: Person[];
  confusions: Confusion[];
}

export function People() {
  const told = useStore(overview);
  if (told && !told.gallery) return <Empty title="This box has no gallery">People by face need the local models: see models: in the box's configuration.</Empty>;
  return <ForAdmin what="The gallery is the admin's"><Known /></ForAdmin>;
}

function Known() {
  const gallery = useAsked(signal => askAdmin<Gallery>("/gallery", { signal }), []);
  const unknown = useAsked(signal => askAdmin<{ faces: UnknownFace[] }>("/unknown", { signal }), []);
  const again = () => {
    gallery.again();
    unknown.again();
  };
  if (gallery.error && !gallery.value) return <Wrong error={gallery.error} again={again} />;
  const people = gallery.value?.people ?? [];
  return (
    <div class="pair">
      <div class="stack">
        <section class="card" aria-labelledby="gallery-title">
          <h2 id="gallery-title">Gallery <span class="quiet">{people.length}</span></h2>
          {!gallery.value ? <p class="quiet">Asking the box …</p> : people.length === 0 ? <Empty title="Nobody yet">Add somebody by a photo, or name an unknown face.</Empty>
            : <ul class="people">{people.map(one => <PersonRow key={one.id} of={one} again={again} />)}</ul>}
        </section>
        <Confusions list={gallery.value?.confusions ?? []} people={people} />
      </div>
      <div class="stack">
        <AddPerson again={again} />
        <section class="card" aria-labelledby="unknown-title">
          <h2 id="unknown-title">Unknown faces <span class="quiet">{unknown.value?.faces.length ?? ""}</span></h2>
          {unknown.error !== null && <Wrong error={unknown.error} again={unknown.again} />}
          {unknown.value && (unknown.value.faces.length === 0 ? <p class="quiet">No face that is not in the gallery was seen.</p>
            : <ul class="people">{unknown.value.faces.map(face => <UnknownRow key={face.id} of={face} people={people} again={again} />)}</ul>)}
        </section>
      </div>
    </div>
  );
}

const initials = (name: string): string => name.split(/\s+/).map(word => word[0] ?? "").slice(0, 2).join("").toUpperCase();

function PersonRow({ of: one, again }: { of: Person; again: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const remove = async () => {
    if (!confirm(`Remove ${one.name} and all photos of them from the gallery?`)) return;
    try {
      await askAdmin(`/gallery/${encodeURIComponent(one.id)}`, { method: "DELETE" });
      again();
    } catch (wrong) {
      setError(wrong);
    }
  };
  return (
    <li>
      <span class="face" aria-hidden="true">{initials(one.name)}</span>
      <span class="grow"><b>{one.name}</b> <span class="quiet">{one.id} · {one.faces} {one.faces === 1 ? "face" : "faces"}</span>
        {one.urls?.map(url => <span key={url} class="quiet url">{url}</span>)}
        {error !== null && <Wrong error={error} />}
      </span>
      <button type="button" class="danger" aria-label={`Remove ${one.name}`} onClick={() => void remove()}>Remove</button>
    </li>
  );
}

function Confusions({ list, people }: { list: Confusion[]; people: Person[] }) {
  const name = (id: string) => people.find(p => p.id === id)?.name ?? id;
  return (
    <section class="card" aria-labelledby="confusions-title">
      <h2 id="confusions-title">Easily confused</h2>
      {list.length === 0 ? <p class="quiet">No two people look alike to the box.</p> : (
        <>
          <table>
            <thead><tr><th scope="col">These two</th><th scope="col" class="num">Similarity</th></tr></thead>
            <tbody>{list.map(c => <tr key={`${c.a} ${c.b}`}><td>{name(c.a)} and {name(c.b)}</td><td class="num">{c.similarity.toFixed(2)}</td></tr>)}</tbody>
          </table>
          <p class="hint">More photos of both, from the front and well lit, help most. The same person twice? Remove one.</p>
        </>
      )}
    </section>
  );
}

function AddPerson({ again }: { again: () => void }) {
  const [name, setName] = useState("");
  const [id, setId] = useState("");
  const [said, setSaid] = useState<{ text: string; hints: string[] } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const add = async () => {
    const photo = file.current?.files?.[0];
    if (!photo) return;
    setBusy(true);
    setSaid(null);
    setError(null);
    try {
      if (!["image/jpeg", "image/png"].includes(photo.type)) throw new BoxProblem(0, "The photo must be a JPEG or a PNG.");
      const told = await askAdmin<{ person: Person; hints?: string[] }>("/gallery", { method: "POST", body: photo, query: { name: name.trim(), id: id.trim() || undefined } });
      setSaid({ text: `${told.person.name} is in the gallery with ${told.person.faces} ${told.person.faces === 1 ? "face" : "faces"}.`, hints: told.hints ?? [] });
      if (file.current) file.current.value = "";
      again();
    } catch (wrong) {
      setError(wrong);
    }
    setBusy(false);
  };
  return (
    <section class="card" aria-labelledby="add-title">
      <h2 id="add-title">Add by photo</h2>
      <form onSubmit={e => {
        e.preventDefault();
        void add();
      }}>
        <div class="fields">
          <label>Name<input value={name} onInput={e => setName(e.currentTarget.value)} required /></label>
          <label>Id <span class="quiet">(may be left out)</span><input value={id} onInput={e => setId(e.currentTarget.value)} /></label>
        </div>
        <label>Photo <span class="quiet">(JPEG or PNG, one face)</span><input type="file" accept="image/jpeg,image/png" ref={file} required /></label>
        <button class="primary" disabled={busy}>{busy ? "Looking …" : "Add"}</button>
      </form>
      <div role="status">
        {said && <p class="good">{said.text}</p>}
        {said && said.hints.length > 0 && <ul class="hints">{said.hints.map(hint => <li key={hint}>{hint}</li>)}</ul>}
      </div>
      {error !== null && <Wrong error={error} />}
    </section>
  );
}

function UnknownRow({ of: face, people, again }: { of: UnknownFace; people: Person[]; again: () => void }) {
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState("");
  const list = `people-${face.id}`;
  const act = async (action: () => Promise<unknown>) => {
    setWrong("");
    try {
      await action();
      again();
    } catch (error) {
      setWrong(saidBy(error));
    }
  };
  const path = `/unknown/${encodeURIComponent(face.id)}`;
  const seconds = face.seen.reduce((sum, s) => sum + s.until - s.from, 0);
  return (
    <li class="unknown">
      <span class="face" aria-hidden="true">?</span>
      <div class="grow">
        <p>Seen {face.seen.length} {face.seen.length === 1 ? "time" : "times"}{seconds > 0 && `, ${lengthOf(seconds)}`} <span class="quiet">· <Time at={face.first} /> to <Time at={face.last} /></span></p>
        <p class="seen">{face.seen.slice(0, 4).map(s => <a key={`${s.media} ${s.from}`} href={hashOf("timeline", s.media, s.from)}>{s.media} {clockOf(s.from)}</a>)}{face.seen.length > 4 && <span class="quiet">and {face.seen.length - 4} more</span>}</p>
        <form class="inline" onSubmit={e => {
          e.preventDefault();
          const known = people.find(p => p.name === name.trim());
          void act(() => askAdmin(path, { method: "POST", body: known ? { name: known.name, id: known.id } : { name: name.trim() } }));
        }}>
          <label>Name<input value={name} list={list} onInput={e => setName(e.currentTarget.value)} required /></label>
          <datalist id={list}>{people.map(p => <option key={p.id} value={p.name} />)}</datalist>
          <button class="primary">Name it</button>
          <button type="button" class="danger" aria-label={`Forget face ${face.id}`} onClick={() => void act(() => askAdmin(path, { method: "DELETE" }))}>Forget</button>
        </form>
        {wrong && <p class="bad" role="alert">{wrong}</p>}
      </div>
    </li>
  );
}
