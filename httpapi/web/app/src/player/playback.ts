// Plays a media's stream, and knows which position of the event the picture is.

import type Hls from "hls.js";
import { whereOf } from "../../../client/follow.js";
import { Locator } from "../../../client/sources.js";
import { address, keyedAddress, saidBy, spotter } from "../box/ask.ts";
import { viewerKey } from "../box/secrets.ts";
import { clockOf } from "../time.ts";

type Where = { position: number; time?: undefined; media: number } | { time: Date; position?: undefined; media: number };

export interface PlaybackEvents {
  /** What to tell the viewer; an empty text takes it back. */
  onTrouble(text: string): void;
}

const nativeType = "application/vnd.apple.mpegurl";

export class Playback {
  #hls: Hls | null = null;
  #locator: Locator;
  #stopped = new AbortController();
  #target: number | null = null;
  #attempts = 0;

  constructor(readonly video: HTMLVideoElement, readonly media: string, readonly path: string, readonly events: PlaybackEvents) {
    this.#locator = new Locator(spotter, media, this.#stopped.signal, (error: unknown) => {
      if (!this.#stopped.signal.aborted) events.onTrouble(`Which position is shown is not known: ${saidBy(error)}`);
    });
  }

  async start(): Promise<void> {
    if (new URL(address(this.path)).origin !== location.origin) {
      this.events.onTrouble("The stream's address is not of this box, so the page may not play it.");
      return;
    }
    try {
      // A chunk of its own, the largest by far; only who opens a player pays for it.
      const { default: Library } = await import("hls.js");
      if (this.#stopped.signal.aborted) return;
      if (Library.isSupported()) return this.#play(Library);
    } catch (error) {
      if (!this.video.canPlayType(nativeType)) return this.events.onTrouble(`The player could not be loaded: ${saidBy(error)}`);
    }
    if (!this.video.canPlayType(nativeType)) return this.events.onTrouble("This browser plays no HLS.");
    this.video.src = keyedAddress(this.path);
    this.video.addEventListener("error", () => this.events.onTrouble("The stream cannot be played."), { signal: this.#stopped.signal });
    this.#begin();
  }

  #play(Library: typeof Hls): void {
    const hls = new Library({
      enableWorker: false, // a worker would be made of a blob, which the page's policy does not allow
      backBufferLength: 120,
      xhrSetup: (request, url) => {
        if (viewerKey.value && new URL(url, document.baseURI).origin === location.origin) request.setRequestHeader("Authorization", `Bearer ${viewerKey.value}`);
      },
    });
    this.#hls = hls;
    hls.on(Library.Events.ERROR, (_, { fatal, type, details }) => {
      if (!fatal || this.#stopped.signal.aborted) return;
      this.events.onTrouble(`The stream does not come (${details}). It is tried again.`);
      const wait = Math.min(10_000, 1_000 * 2 ** this.#attempts++);
      setTimeout(() => {
        if (this.#hls !== hls) return;
        if (type === Library.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
        else hls.loadSource(address(this.path));
      }, wait);
    });
    hls.on(Library.Events.FRAG_BUFFERED, () => {
      this.#attempts = 0;
      this.events.onTrouble("");
    });
    hls.attachMedia(this.video);
    hls.loadSource(address(this.path));
    this.#begin();
  }

  #begin(): void {
    // Browsers let a picture without sound begin by itself; where not, the controls are there.
    this.video.muted = true;
    void this.video.play().catch(() => undefined);
  }

  /** The position that is shown; null while it is not known. */
  position(): number | null {
    if (this.video.readyState < 1) return null;
    const where = whereOf({ video: this.video, hls: this.#clock, zero: undefined, at: undefined }) as Where | null;
    return where && (this.#locator.position(where as Parameters<Locator["position"]>[0]) as number | null);
  }

  /** hls.js for its clock; where the stream has no wall-clock times the video's own time is the position, as for a recording. */
  get #clock(): Hls | null {
    const hls = this.#hls;
    if (!hls) return null;
    const details = hls.latestLevelDetails ?? null;
    return details && !details.hasProgramDateTime ? null : hls;
  }

  get clocked(): boolean {
    return this.#hls?.latestLevelDetails?.hasProgramDateTime ?? true;
  }

  /** Goes to a position, as soon as it is known where that is; says why not where the stream does not have it. */
  seek(position: number): void {
    this.#target = position;
    this.settle();
  }

  /** Tries a seek that had to wait. To be called now and then. */
  settle(): void {
    const target = this.#target;
    const now = this.position();
    const { seekable } = this.video;
    if (target === null || now === null || seekable.length === 0) return;
    this.#target = null;
    const time = this.video.currentTime + target - now;
    const first = seekable.start(0);
    const last = seekable.end(seekable.length - 1);
    if (time < first - 1 || time > last + 1) {
      const why = time < first ? "The stream does not go back so far any more" : "The stream is not there yet";
      this.events.onTrouble(`${why}: it can be played from ${clockOf(now + first - this.video.currentTime)} to ${clockOf(now + last - this.video.currentTime)}.`);
      return;
    }
    this.events.onTrouble("");
    this.video.currentTime = Math.min(Math.max(time, first), Math.max(first, last - 0.2));
  }

  stop(): void {
    this.#stopped.abort();
    this.#locator.stop();
    this.#hls?.destroy();
    this.#hls = null;
    this.video.removeAttribute("src");
    this.video.load();
  }
}
