/** A client of Spotter's viewer API. Positions are seconds into the event, exact to the millisecond. */

export interface Options {
  /** An API key or a token, or what returns the newest one: it is asked before each request. */
  credential?: string | (() => string | Promise<string>);
  /** Instead of the global fetch. */
  fetch?: typeof fetch;
}

export interface AskOptions {
  signal?: AbortSignal;
}

export type State = "waiting" | "live" | "stalled" | "ended" | "stopped";

export interface Media {
  media: string;
  state: State;
  live_edge: number | null;
  analyzed_until: number | null;
  started_at: string | null;
  source: string | null;
  faults: { at: string; kind: string; message: string; count: number }[];
}

/** A celebrity or an object. */
export interface Entity {
  name: string;
  id?: string;
  urls?: string[];
  parents?: string[];
  aliases?: string[];
  /** 0 to 100. */
  confidence: number;
}

/** An entity of a window, with where it was first and last seen in it. */
export interface Sighting extends Entity {
  from: number;
  until: number;
  source: string;
}

/** Advertisements, by the stream's own markers. While it is open, until is where it is planned to end, or from. */
export interface Break {
  id: string;
  from: number;
  until: number;
  open: boolean;
  skipped: boolean;
}

/** What to show this viewer now. */
export interface Instrument {
  decision: string;
  id: string;
  type: "advert" | "campaign" | "trivia" | "poll" | "quiz" | "offer" | "upsell";
  payload: unknown;
}

export interface Context {
  media: string;
  from: number;
  until: number;
  analyzed_until: number | null;
  /** All of the window was analysed: nobody is nobody, not "not yet". */
  complete: boolean;
  celebrities: Sighting[];
  objects: Sighting[];
  breaks?: Break[];
  instruments?: Instrument[];
}

export interface Failure {
  media: string;
  problem: { type: string; title: string; status: number; detail: string; parameter?: string };
}

/** What one recogniser's answer says of one scene. Of two with one from the higher revision counts. */
export interface Observation {
  media: string;
  from: number;
  until: number;
  source: string;
  revision: number;
  celebrities: Entity[];
  objects: Entity[];
}

/** Give position or time, not both. */
export interface Query {
  position?: number;
  time?: Date | string;
  backward?: number;
  forward?: number;
  /** The viewer to engage: the answer has instruments. */
  profile?: string;
  engage?: 0 | 1;
  /** What the viewer is shown; context sends it by itself while it suits. An empty one asks for a new one. */
  decision?: string;
}

export type EventType = "view" | "click" | "answer" | "convert" | "dismiss";

export interface LiveOptions {
  /** From which position on to be told what is there already; without it only what is new. */
  from?: number;
  /** The id of the last event that was seen, to go on after it. */
  lastEventId?: string;
  onObservation?(observation: Observation): void;
  onBreak?(one: Break): void;
  onState?(state: { media: string; state: State }): void;
  /** The id of each event once it was told: as lastEventId it lets another stream go on there. */
  onId?(id: string): void;
  /** A connection failed or ended with a reason. It is tried again until it is stopped. */
  onError?(error: unknown): void;
}

export type OnScreen =
  | ({ kind: "celebrity" } & Sighting)
  | ({ kind: "object" } & Sighting)
  | ({ kind: "break" } & Break);

export interface Change {
  media: string;
  position: number;
  entered: OnScreen[];
  left: OnScreen[];
  celebrities: Sighting[];
  objects: Sighting[];
  breaks: Break[];
  complete: boolean;
}

/** Says which position is shown: by at, else zero, else hls, else Safari's start date, else the video's own time. */
export interface FollowOptions {
  video?: HTMLVideoElement;
  /** An hls.js instance, for its playingDate. */
  hls?: { playingDate: Date | null };
  /** What the video's time 0 is: a position in seconds, or a wall-clock time. */
  zero?: number | Date;
  /** Returns the position, or the wall-clock time of the picture; null while there is none. */
  at?: () => number | Date | null;
  /**
   * windows (default): windows on the grid, whose addresses all viewers share; an entity counts as on screen from where a window first
   * saw it to where it last did. context: asked once a second for this viewer alone. live: pushed.
   */
  via?: "windows" | "context" | "live";
  /** Length of the windows, in seconds. Default 5. */
  window?: 1 | 2 | 5 | 10 | 15 | 30 | 60;
  /** How far around the position to look, in seconds. Default 0. */
  backward?: number;
  forward?: number;
  /** Called first when it is known what is on screen, then whenever that changes. */
  onChange(change: Change): void;
  /** Called for each failure; the follower waits and asks again, and what was on screen stays meanwhile. */
  onError?(error: unknown): void;
}

export interface Follower {
  readonly media: string;
  stop(): void;
}

export class Problem extends Error {
  readonly status: number;
  readonly detail: string;
  readonly parameter: string;
  /** In milliseconds; 0 where it is not said. */
  readonly retryAfter: number;
  /** Whether the same question may be answered when it is asked again. */
  readonly transient: boolean;
}

export class Spotter {
  constructor(base: string | URL, options?: Options);
  media(options?: AskOptions): Promise<Media[]>;
  status(media: string, options?: AskOptions): Promise<Media>;
  context(media: string, query: Query, options?: AskOptions): Promise<Context>;
  /** Says what a viewer did, once for each type; value is 1 where it is left out. A dismissed instrument is not asked for again. */
  event(decision: string, type: EventType, value?: number): Promise<void>;
  contexts(media: string[], query: Query, options?: AskOptions): Promise<(Context | Failure)[]>;
  timeline(media: string, window?: { from?: number; until?: number }, options?: AskOptions): Promise<{ observations: Observation[]; breaks: Break[] }>;
  window(media: string, from: number, until: number, options?: AskOptions): Promise<Context>;
  live(media: string, options: LiveOptions): () => void;
  follow(media: string, options: FollowOptions): Follower;
}
