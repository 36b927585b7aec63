// The admin API of the mock.

import { Refusal, body } from "./server.mjs";

/** Answers a request; undefined is a 204. */
export async function admin({ state, token }, request, url, path) {
  if (request.headers.authorization !== `Bearer ${token}`) throw new Refusal(401, "the admin token is wrong");
  const { method } = request;
  const object = async () => JSON.parse((await body(request)).toString() || "{}");
  const routes = [
    [/^\/instruments$/, { GET: () => ({ instruments: state.instruments }) }],
    [/^\/instruments\/([^/]+)$/, {
      PUT: async id => {
        const one = await object();
        const faults = [];
        if (typeof one.type !== "string") faults.push("type: want one of advert, campaign, trivia, poll, quiz, offer and upsell");
        if (one.payload === undefined) faults.push("payload: is wanted: any JSON");
        if (faults.length) throw new Refusal(400, "the instrument cannot be taken", { faults });
        state.instruments = [...state.instruments.filter(i => i.id !== id), { ...one, id }];
      },
      DELETE: id => void (state.instruments = state.instruments.filter(i => i.id !== id)),
    }],
    [/^\/engagement$/, { GET: () => state.engagement() }],
    [/^\/profiles\/([^/]+)$/, { GET: id => state.profiles.get(id) ?? {}, PUT: async id => void state.profiles.set(id, await object()), DELETE: id => void state.profiles.delete(id) }],
    [/^\/media\/([^/]+)\/(start|stop)$/, { POST: () => undefined }],
    [/^\/media\/([^/]+)\/observations\/([^/]+)$/, { POST: async (media, from) => edit(state, observation(state, media, from), await object()) }],
    [/^\/media\/([^/]+)\/observations\/([^/]+)\/undo$/, {
      POST: async (media, from) => {
        const { undo } = await object();
        const before = state.edits.get(undo);
        if (!before) throw new Refusal(409, "this was taken back already");
        state.edits.delete(undo);
        return { observation: state.revise(observation(state, media, from), o => Object.assign(o, before)) };
      },
    }],
    [/^\/gallery$/, { GET: () => ({ people: state.gallery, confusions: [{ a: "p1", b: "p3", similarity: 0.47 }] }), POST: () => enrol(state, request, url) }],
    [/^\/gallery\/([^/]+)$/, { DELETE: id => void (state.gallery = state.gallery.filter(p => p.id !== id)) }],
    [/^\/unknown$/, { GET: () => ({ faces: state.unknown }) }],
    [/^\/unknown\/([^/]+)$/, {
      POST: async id => {
        const { name, id: person } = await object();
        if (!state.gallery.some(p => p.id === person)) state.gallery.push({ id: name.toLowerCase().replace(/\W+/g, "-"), name, faces: 1 });
        state.unknown = state.unknown.filter(f => f.id !== id);
      },
      DELETE: id => void (state.unknown = state.unknown.filter(f => f.id !== id)),
    }],
  ];
  for (const [pattern, methods] of routes) {
    const match = pattern.exec(path);
    if (match && methods[method]) return methods[method](...match.slice(1));
  }
  throw new Refusal(404, "there is no such address");
}

function observation(state, media, from) {
  const found = state.of(media)?.observations.find(o => o.from === Number(from));
  if (!found) throw new Refusal(404, "there is no observation that begins there");
  return found;
}

function edit(state, one, { do: verb, entity, to }) {
  const undo = `undo-${state.edits.size}-${one.revision}`;
  const { celebrities, objects } = one;
  state.edits.set(undo, { celebrities, objects });
  const change = list => (verb === "reject" ? list.filter(e => e.name !== entity.name)
    : list.map(e => (e.name !== entity.name ? e : verb === "accept" ? { ...e, confidence: 100 } : { ...e, id: to.id, name: to.name })));
  return { observation: state.revise(one, o => Object.assign(o, { celebrities: change(celebrities), objects: change(objects) })), undo };
}

async function enrol(state, request, url) {
  const photo = await body(request);
  if (photo.length < 2000) throw new Refusal(422, "this photo cannot be used", { faults: ["no face was found: use a photo from the front, with a face of 80 pixels at least"] });
  const name = url.searchParams.get("name");
  const person = { id: url.searchParams.get("id") ?? name.toLowerCase().replace(/\W+/g, "-"), name, faces: 1 };
  state.gallery = [...state.gallery.filter(p => p.id !== person.id), person];
  return { person, hints: ["the face is small: 64 pixels wide, and 112 would be better"] };
}
