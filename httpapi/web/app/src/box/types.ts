// What the box answers. The viewer API's own shapes come with its client.

import type { Break, Entity, Instrument, Observation, Sighting, State } from "../../../client/index.js";

export type { Break, Entity, Instrument, Observation, Sighting, State };

/** Where on the picture, as shares of its width and height. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Somebody or something recognised in a picture, and where. */
export interface Boxed extends Box {
  name: string;
  id?: string;
  kind: "celebrity" | "object";
  confidence: number;
}

export interface Fault {
  at: string;
  kind: string;
  message: string;
  count: number;
  mend?: string;
}

export interface MediaOverview {
  media: string;
  state: State;
  live_edge: number | null;
  analyzed_until: number | null;
  /** Seconds from the live edge back to where the analysis is. */
  delay: number | null;
  started_at: string | null;
  source: string | null;
  sampled: number;
  admitted: number;
  asked: number;
  observations: number;
  faults: Fault[];
  player: string | null;
}

export interface Cloud {
  usd_hour: number;
  /** What an hour may cost; null for no ceiling. */
  usd_ceiling: number | null;
  usd_saved: number;
  calls: number;
}

export interface Sink {
  sink: string;
  waiting: number;
  /** Age of the oldest that waits, in seconds. */
  oldest: number;
  fault: string;
}

export interface Overview {
  at: string;
  version: string;
  media: MediaOverview[];
  cloud: Cloud | null;
  sync: Sink[];
  engage: boolean;
  edits: boolean;
  gallery: boolean;
}

export interface Thumbnail {
  position: number;
  url: string;
  width: number;
  height: number;
  boxes: Boxed[];
}

export interface EntityName {
  name: string;
  id?: string;
}

export interface Edit {
  do: "accept" | "reject" | "rename" | "merge";
  entity: EntityName;
  to?: EntityName;
}

export interface Person {
  id: string;
  name: string;
  urls?: string[];
  faces: number;
}

export interface Confusion {
  a: string;
  b: string;
  similarity: number;
}

export interface UnknownFace {
  id: string;
  seen: { media: string; from: number; until: number }[];
  first: string;
  last: string;
}

export interface InstrumentCounts {
  id: string;
  type?: string;
  /** It stands in the configured file, which alone changes it. */
  in_file?: boolean;
  decisions: number;
  events: Record<string, number>;
  reward: number;
  spent: number;
  /** Decisions left of the total cap, and what is left of the budget; null or absent where there is no limit. */
  left?: number | null;
  budget_left?: number | null;
}

/** What came of the choices of one kind of policy. */
export interface PolicyCounts {
  policy: string;
  decisions: number;
  /** By type; a decision has at most one of a type. */
  events?: Record<string, number>;
  reward: number;
}

export interface Engagement {
  policy: string;
  decisions: number;
  instruments: InstrumentCounts[];
  policies?: PolicyCounts[];
}

/** An instrument as the admin API takes it; what is not named here is kept as it came. */
export interface InstrumentText {
  id: string;
  type: string;
  payload: unknown;
  flight?: { start?: string; end?: string };
  caps?: { per_viewer?: number; total?: number };
  priority?: number;
  budget?: number;
  [member: string]: unknown;
}
