// Views have addresses: #/air, #/player/MEDIA, #/timeline/MEDIA, #/people, #/instruments.

import { Store } from "./box/store.ts";

export const views = ["air", "player", "timeline", "people", "instruments"] as const;
export type View = (typeof views)[number];

export interface Route {
  view: View;
  media: string;
  /** Position to go to, in seconds. */
  at: number | null;
}

export function routeOf(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name = "", ...rest] = path.split("/");
  const view = views.find(v => v === name) ?? "air";
  let media = rest.join("/");
  try {
    media = decodeURIComponent(media);
  } catch {
    // an address that somebody cut; as it stands then
  }
  const at = new URLSearchParams(search).get("at");
  const position = at ? Number(at) : NaN;
  return { view, media, at: Number.isFinite(position) ? position : null };
}

export function hashOf(view: View, media = "", at: number | null = null): string {
  const tail = view === "player" || view === "timeline" ? media && `/${encodeURIComponent(media)}` : "";
  return `#/${view}${tail}${at === null ? "" : `?at=${Math.round(at * 1000) / 1000}`}`;
}

/** Where the page is; made by followRoute. */
export const route = new Store<Route>({ view: "air", media: "", at: null });

export function followRoute(): void {
  const read = () => route.set(routeOf(location.hash));
  addEventListener("hashchange", read);
  read();
}
