// Asks the box. All addresses are of the origin, and below the folder, that the page came from.

import { Spotter } from "../../../client/index.js";
import { adminToken, keyWanted, tokenRefused, viewerKey } from "./secrets.ts";

const patience = 15_000; // ms for one answer

/** What the box says is wrong (RFC 9457), or why it was not reached (status 0). */
export class BoxProblem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly faults: string[] = [],
    readonly parameter = "",
  ) {
    super(message);
    this.name = "BoxProblem";
  }
}

/** The address of a path of the box, such as "/v1/media". */
export const address = (path: string): string => new URL(path.replace(/^\/+/, ""), document.baseURI).href;

/** The same for what can send no header, such as a picture: the key goes into the address. */
export function keyedAddress(path: string): string {
  const url = new URL(address(path));
  if (viewerKey.value) url.searchParams.set("key", viewerKey.value);
  return url.href;
}

export const mediaPath = (media: string, rest = ""): string => `/v1/media/${encodeURIComponent(media)}${rest}`;

interface Question {
  method?: "GET" | "PUT" | "POST" | "DELETE";
  /** An object goes as JSON, a file as it is. */
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  signal?: AbortSignal;
}

/** Asks the viewer API. */
export async function ask<T>(path: string, question: Question = {}): Promise<T> {
  try {
    const answer = await send<T>(path, question, viewerKey.value);
    keyWanted.set(false);
    return answer;
  } catch (error) {
    if (error instanceof BoxProblem && error.status === 401) keyWanted.set(true);
    throw error;
  }
}

/** Asks the admin API. A token that is refused is forgotten, so that the next action asks for another. */
export async function askAdmin<T>(path: string, question: Question = {}): Promise<T> {
  try {
    const answer = await send<T>(`/admin/v1${path}`, question, adminToken.value);
    tokenRefused.set(false);
    return answer;
  } catch (error) {
    if (error instanceof BoxProblem && error.status === 401) {
      tokenRefused.set(true);
      adminToken.forget();
    }
    throw error;
  }
}

async function send<T>(path: string, { method = "GET", body, query = {}, signal }: Question, secret: string): Promise<T> {
  const url = new URL(address(path));
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const headers: Record<string, string> = secret ? { Authorization: `Bearer ${secret}` } : {};
  let payload: BodyInit | undefined;
  if (body instanceof Blob) {
    payload = body;
    headers["Content-Type"] = body.type || "application/octet-stream";
  } else if (body !== undefined) {
    payload = typeof body === "string" ? body : JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const limit = AbortSignal.timeout(patience);
  let text: string;
  try {
    const response = await fetch(url, { method, headers, body: payload, signal: signal ? AbortSignal.any([signal, limit]) : limit, credentials: "omit" });
    if (!response.ok) throw await problemOf(response);
    text = await response.text(); // which may break off too
  } catch (error) {
    if (signal?.aborted || error instanceof BoxProblem) throw error;
    throw new BoxProblem(0, limit.aborted ? "The box does not answer." : "The box cannot be reached.");
  }
  return (text ? JSON.parse(text) : null) as T; // 204 has no body, and its T is null
}

export async function problemOf(response: Response): Promise<BoxProblem> {
  // A proxy's own error is no problem+json.
  const told = (await response.json().catch(() => null)) as { title?: string; detail?: string; faults?: string[]; parameter?: string } | null;
  return new BoxProblem(response.status, told?.detail || told?.title || `The box answered ${response.status}.`, told?.faults ?? [], told?.parameter);
}

/** The box's own JavaScript client, which apps use too. */
export const spotter = new Spotter(document.baseURI.replace(/[^/]*([?#].*)?$/, ""), { credential: () => viewerKey.value });

/** What to show of anything that was thrown. */
export const saidBy = (error: unknown): string => (error instanceof Error ? error.message : String(error));
