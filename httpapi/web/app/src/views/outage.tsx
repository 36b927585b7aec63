// The banner over all views: what is wrong now, the worst first, and what to do.

import { hearing, overview } from "../box/overview.ts";
import { keyWanted } from "../box/secrets.ts";
import { useStore } from "../box/store.ts";
import { hashOf } from "../route.ts";
import { Time } from "../ui/parts.tsx";
import { newestFirst } from "../verdict.ts";

export function Outage() {
  const how = useStore(hearing);
  const told = useStore(overview);
  const wanted = useStore(keyWanted);
  const stalled = told?.media.filter(m => m.state === "stalled") ?? [];
  const broken = how.how === "broken" && !wanted ? how : null;
  return (
    <div class="outages" role="status" aria-live="assertive">
      {broken && (
        <p class="outage" data-outage={broken.reachable ? "events" : "box"}>
          <b>{broken.reachable ? "The stream of events is broken" : "The box cannot be reached"}</b> since <Time at={new Date(broken.since)} />.{" "}
          {broken.reachable
            ? "The box answers, but what is shown is asked for now and then only. Does a proxy on the way hold events back?"
            : "What is shown is from before. Is the box running, and is the network there? The page goes on trying."}{" "}
          <span class="why">{broken.why}</span>
        </p>
      )}
      {stalled.map(m => {
        const fault = newestFirst(m.faults)[0];
        return (
          <p class="outage" key={m.media} data-outage="media">
            <b><a href={hashOf("timeline", m.media)}>{m.media}</a> is stalled</b>: no new segment comes.{" "}
            {fault && <>{fault.message}{fault.message.endsWith(".") ? "" : "."} {fault.mend}</>}
          </p>
        );
      })}
    </div>
  );
}
