// When to ask again.

/** What the server says is wrong (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{title?: string, detail?: string, parameter?: string}} body
   * @param {number} retryAfter in milliseconds; 0 where it is not said
   */
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `status ${status}`);
    this.name = "Problem";
    this.status = status;
    this.detail = body.detail ?? "";
    this.parameter = body.parameter ?? "";
    this.retryAfter = retryAfter;
  }

  /** Whether the same question may be answered when it is asked again as it is. */
  get transient() {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

const least = 1000;
const most = 30_000;

/** Backoff tells for how long to wait: twice as long after each failure, not the same for all, and at most 30 s. */
export class Backoff {
  #failures = 0;

  /** Forgets the failures. */
  reset() {
    this.#failures = 0;
  }

  /** Milliseconds to wait after a failure; base is what the server asks for. */
  after(error, base = least) {
    if (error instanceof Problem && !error.transient) return most; // such as a token that the page will renew
    const wait = Math.min(most, base * 2 ** Math.min(this.#failures++, 10)) * (0.5 + Math.random() / 2);
    return Math.max(wait, error?.retryAfter ?? 0);
  }
}

/** Resolves after ms, sooner when the network comes back, and at once when signal is aborted. */
export function pause(ms, signal) {
  return new Promise(resolve => {
    const scope = globalThis;
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      scope.removeEventListener?.("online", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    scope.addEventListener?.("online", end);
    if (signal.aborted) end();
  });
}
