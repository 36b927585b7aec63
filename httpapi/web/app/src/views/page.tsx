// The frame of all views: where one can go, and whether the box is heard.

import { useEffect, useRef } from "preact/hooks";
import { hearing, overview } from "../box/overview.ts";
import { adminToken, keyWanted, viewerKey } from "../box/secrets.ts";
import { useStore } from "../box/store.ts";
import type { MediaOverview } from "../box/types.ts";
import { hashOf, route, type View } from "../route.ts";
import { zone } from "../time.ts";
import { Empty, Time, useNow } from "../ui/parts.tsx";
import { KeyWanted, TokenDialog } from "../ui/token.tsx";
import { Air } from "./air.tsx";
import { Instruments } from "./instruments.tsx";
import { Outage } from "./outage.tsx";
import { People } from "./people.tsx";
import { PlayerView } from "./player.tsx";
import { TimelineView } from "./timeline.tsx";

const titles: Record<View, string> = { air: "On air", player: "Player", timeline: "Timeline", people: "People", instruments: "Instruments" };

/** The media that a view without one shows: the first that is live, else the first. */
const firstOf = (media: MediaOverview[]): string => (media.find(m => m.state === "live") ?? media[0])?.media ?? "";

export function Page() {
  const { view, media, at } = useStore(route);
  const told = useStore(overview);
  const wanted = useStore(keyWanted);
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = media || (told ? firstOf(told.media) : "");
  const first = useRef(true);
  useEffect(() => {
    document.title = `${titles[view]}${(view === "player" || view === "timeline") && shown ? `: ${shown}` : ""} – Spotter`;
  }, [view, shown]);
  useEffect(() => {
    // Whoever goes by keyboard or listens begins at the new view, but not when the page is opened.
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [view]);
  return (
    <>
      <a class="skip" href="#main" onClick={e => {
        e.preventDefault(); // the address is the view's
        heading.current?.focus();
      }}>To the content</a>
      <div class="above">
        <header>
        <a class="brand" href={hashOf("air")}><svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6" /><circle cx="8" cy="8" r="2" /></svg>Spotter</a>
        <nav aria-label="Views">
          {(Object.keys(titles) as View[]).map(name => (
            <a key={name} href={hashOf(name, shown)} aria-current={name === view ? "page" : undefined}>{titles[name]}</a>
          ))}
        </nav>
        <Heard />
      </header>
      <Outage />
      </div>
      <main id="main">
        <div class="headline">
          <h1 ref={heading} tabIndex={-1}>{titles[view]}</h1>
          {(view === "player" || view === "timeline") && told && <MediaChoice view={view} media={shown} all={told.media} />}
        </div>
        {wanted ? <KeyWanted /> : <Body view={view} media={shown} at={at} />}
      </main>
      <footer>
        <span>Times are of the zone {zone()}; positions are h:mm:ss into the event.</span>
        <Secrets />
        <span>{told ? `Spotter ${told.version} · ` : ""}<a href="./openapi.json">API description</a> · <a href="./licences.md">Licences</a></span>
      </footer>
      <TokenDialog />
    </>
  );
}

function Body({ view, media, at }: { view: View; media: string; at: number | null }) {
  const told = useStore(overview);
  if (view === "air") return <Air />;
  if (view === "people") return <People />;
  if (view === "instruments") return <Instruments />;
  if (!told) return <p class="quiet" role="status">Asking the box …</p>;
  const one = told.media.find(m => m.media === media);
  if (!media) return <Empty title="No media yet">Name one under media: in the box's configuration. It appears here by itself.</Empty>;
  if (!one) return <Empty title={`There is no media “${media}”`}>Choose another above, or look <a href={hashOf("air")}>what is on air</a>.</Empty>;
  return view === "player" ? <PlayerView key={media} of={one} at={at} /> : <TimelineView key={media} of={one} at={at} />;
}

function MediaChoice({ view, media, all }: { view: View; media: string; all: MediaOverview[] }) {
  if (all.length < 2 && all[0]?.media === media) return <span class="which">{media}</span>;
  return (
    <label class="which">Media
      <select value={media} onChange={e => (location.hash = hashOf(view, e.currentTarget.value))}>
        {!all.some(m => m.media === media) && <option value={media}>{media}</option>}
        {all.map(m => <option key={m.media} value={m.media}>{m.media} ({m.state})</option>)}
      </select>
    </label>
  );
}

/** Whether the page hears the box, and when it last did. */
function Heard() {
  const how = useStore(hearing);
  const told = useStore(overview);
  const now = useNow(1000);
  const text = how.how === "live" ? "live" : how.how === "broken" ? "not live" : "asking";
  return (
    <p class={`heard ${how.how}`}>
      <i aria-hidden="true" />{text} <span class="clock"><Time at={now} /></span>
      {how.how === "broken" && told && <span> · last heard <Time at={told.at} /></span>}
    </p>
  );
}

function Secrets() {
  const token = useStore(adminToken);
  const key = useStore(viewerKey);
  return (
    <span class="secrets">
      {token && <button type="button" class="link" onClick={() => adminToken.forget()}>Forget the admin token</button>}
      {key && <button type="button" class="link" onClick={() => viewerKey.forget()}>Forget the key</button>}
    </span>
  );
}
