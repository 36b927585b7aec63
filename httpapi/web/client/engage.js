// Says what a viewer did, and keeps the instrument that is shown for as long as it suits.

const most = 100; // decisions that are remembered

/** Kept has the newest decision of each media and viewer. */
export class Kept {
  #decisions = new Map();

  /** Returns a query with the decision to keep; one that names a decision itself, or none with an empty one, stays as it is. */
  query(media, query) {
    if (query?.decision !== undefined || !engages(query)) return query;
    const decision = this.#decisions.get(key(media, query));
    return decision === undefined ? query : { ...query, decision };
  }

  /** Notes what an answer to a query has. */
  note(media, query, answer) {
    if (!engages(query)) return;
    const name = key(media, query);
    this.#decisions.delete(name);
    const decision = answer.instruments?.[0]?.decision;
    if (decision !== undefined) this.#decisions.set(name, decision);
    if (this.#decisions.size > most) this.#decisions.delete(this.#decisions.keys().next().value);
  }

  /** Forgets a decision, so that the next one is another. */
  forget(decision) {
    for (const [name, kept] of this.#decisions) if (kept === decision) this.#decisions.delete(name);
  }
}

const engages = query => !!query?.profile || Number(query?.engage) === 1;

const key = (media, query) => `${media}\n${query.profile ?? ""}`;

/**
 * Sends an event so that it arrives though the page is left. What needs no header is sent as text/plain, for which a browser asks no
 * preflight; while a page is hidden, as a beacon, to which there is no answer.
 * @returns {Promise<Response | null>} null where nobody waits for the answer
 */
export async function sendEvent(fetch, address, credential, event) {
  const body = JSON.stringify(event);
  const scope = globalThis;
  if (!credential && scope.document?.visibilityState === "hidden" && scope.navigator?.sendBeacon?.(address, body)) return null;
  const headers = credential
    ? { Authorization: `Bearer ${credential}`, "Content-Type": "application/json" }
    : { "Content-Type": "text/plain" };
  return fetch(address, { method: "POST", headers, body, keepalive: true, credentials: "omit" });
}
