// A box that is made up: answers all that the page asks, from memory. For work on the page and for its trial.
//
//   node mock/server.mjs [--port 8090] [--token admin] [--key KEY] [--dist ../dist]
//   POST /mock/outage/none|media|events|box    switches an outage

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { admin } from "./admin.mjs";
import { State } from "./state.mjs";
import { makePictures, startStream } from "./stream.mjs";

const app = fileURLToPath(new URL("..", import.meta.url));
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".m3u8": "application/vnd.apple.mpegurl", ".m4s": "video/iso.segment", ".mp4": "video/mp4", ".jpg": "image/jpeg" };

export class Refusal extends Error {
  constructor(status, detail, more = {}) {
    super(detail);
    Object.assign(this, { status, more });
  }
}

/** Starts the mock; the answer has its address, the state, and close. */
export async function startMock({ port = 0, token = "admin", key = "", dist = join(app, "../dist"), hours, count } = {}) {
  const state = new State({ hours, count });
  const stream = startStream();
  const pictures = await makePictures();
  const context = { state, stream, pictures, token, key, dist };
  const server = createServer((request, response) => {
    answer(context, request, response).catch(error => {
      if (response.headersSent) return response.destroy();
      const status = error.status ?? (error.code === "ENOENT" ? 404 : 500);
      response.writeHead(status, { "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
      response.end(JSON.stringify({ type: "about:blank", title: "Problem", status, detail: error.status ? error.message : "not found here", ...error.more }));
      if (status === 500) console.error(error);
    });
  });
  await new Promise(resolve => server.listen(port, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}/`, state,
    close() {
      state.close();
      stream.close();
      pictures.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(context, request, response) {
  const { state, stream, dist } = context;
  const url = new URL(request.url, "http://box");
  const path = decodeURIComponent(url.pathname);
  const outage = /^\/mock\/outage\/(none|media|events|box)$/.exec(path);
  if (outage) {
    state.outage = outage[1];
    stream.running = state.outage !== "media";
    return json(response, { outage: state.outage });
  }
  if (state.outage === "box") return request.socket.destroy();
  if (path.startsWith("/admin/v1/")) return json(response, await admin(context, request, url, path.slice("/admin/v1".length)));
  if (path.startsWith("/v1/")) return viewer(context, request, response, url, path);
  const file = normalize(path === "/" ? "/index.html" : path);
  const headers = { "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": file.startsWith("/assets/") ? "max-age=31536000, immutable" : "no-cache" };
  return send(response, join(dist, file), headers);
}

async function viewer({ state, stream, pictures, key }, request, response, url, path) {
  if (key && request.headers.authorization !== `Bearer ${key}` && url.searchParams.get("key") !== key) throw new Refusal(401, "name your key: Authorization: Bearer KEY");
  if (path === "/v1/overview") return json(response, state.overview());
  if (path === "/v1/overview/live") return overviewLive(state, request, response);
  const event = /^\/v1\/decisions\/([^/]+)\/events$/.exec(path);
  if (event) return decisionEvent(state, event[1], JSON.parse(await body(request)), response);
  const [, media, rest = ""] = /^\/v1\/media\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (!state.of(media)) throw new Refusal(404, `there is no media "${media}"`);
  const number = (name, otherwise) => (url.searchParams.has(name) ? Number(url.searchParams.get(name)) : otherwise);
  if (rest === "") return json(response, state.overview().media.find(m => m.media === media));
  if (rest === "/timeline") return json(response, state.timeline(media, number("from", 0), number("until", 43_200)));
  if (rest === "/live") return live(state, media, request, response);
  if (rest === "/context") {
    const time = url.searchParams.get("time");
    const at = time ? state.position(Date.parse(time)) : number("position", 0);
    const told = state.context(media, Math.round((at - number("backward", 0)) * 1000) / 1000, Math.round((at + number("forward", 0)) * 1000) / 1000);
    const profile = url.searchParams.get("profile");
    return json(response, profile ? { ...told, instruments: state.decide(profile, url.searchParams.get("decision")) } : told);
  }
  if (rest === "/thumbnails") return json(response, state.thumbnails(media, number("from", 0), number("until", 43_200)));
  const picture = /^\/thumbnails\/(\d+)\.jpg$/.exec(rest);
  if (picture) return send(response, join(pictures.folder, `${1 + (Math.floor(picture[1] / 60_000) % pictures.count)}.jpg`), { "Cache-Control": "max-age=31536000, immutable" });
  const file = /^\/hls\/([\w.]+)$/.exec(rest);
  if (file && media === "cup-final") return send(response, join(stream.folder, file[1]), { "Cache-Control": "no-store" });
  throw new Refusal(404, "there is no such address");
}

function decisionEvent(state, id, { type }, response) {
  const decision = state.decisions.get(id);
  if (!decision) throw new Refusal(404, "this decision is not known any more: ask for a new context");
  if (decision.events.has(type)) throw new Refusal(409, `this decision has its ${type} already: send each type of event once`);
  decision.events.add(type);
  const counts = state.count(decision.answer);
  counts.events[type] = (counts.events[type] ?? 0) + 1;
  if (type !== "view" && type !== "dismiss") counts.reward++;
  if (type === "dismiss") state.decisions.delete(id);
  response.writeHead(204).end();
}

function openStream(request, response, begin) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const write = (event, value, id) => response.write(`${id ? `id: ${id}\n` : ""}event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
  const end = begin(write);
  request.on("close", end);
}

function overviewLive(state, request, response) {
  if (state.outage === "events") throw new Refusal(503, "events are held back");
  openStream(request, response, write => {
    write("overview", state.overview());
    const timer = setInterval(() => (["events", "box"].includes(state.outage) ? response.destroy() : write("overview", state.overview())), 1000);
    return () => clearInterval(timer);
  });
}

function live(state, media, request, response) {
  openStream(request, response, write => {
    write("state", { media, state: "live" });
    const listener = one => one.media === media && write("observation", one, `${one.from}-${one.revision}`);
    state.listeners.add(listener);
    return () => state.listeners.delete(listener);
  });
}

export async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function json(response, value) {
  if (value === undefined) return response.writeHead(204).end();
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}

async function send(response, file, headers) {
  const content = await readFile(file);
  response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream", ...headers });
  response.end(content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8090" }, token: { type: "string", default: "admin" }, key: { type: "string", default: "" }, dist: { type: "string" } } });
  const mock = await startMock({ ...values, port: Number(values.port) });
  console.log(`${mock.base} (the admin token is "${values.token}")`);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => (mock.close(), process.exit(0)));
}
