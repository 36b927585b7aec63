// The picture, with the boxes of who and what is on it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Framed } from "./boxes.ts";
import { Playback } from "./playback.ts";

interface Props {
  media: string;
  path: string;
  /** Where to go; another object is another wish. */
  at: { position: number } | null;
  framed?: Framed[];
  /** Told several times a second; null while the position is not known. */
  onPosition(position: number | null, playback: Playback): void;
}

const percent = (share: number): string => `${share * 100}%`;

export function Screen({ media, path, at, framed = [], onPosition }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const playing = useRef<Playback | null>(null);
  const told = useRef(onPosition);
  told.current = onPosition;
  const [trouble, setTrouble] = useState("");
  const [shape, setShape] = useState("16 / 9");
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const playback = new Playback(element, media, path, { onTrouble: setTrouble });
    playing.current = playback;
    void playback.start();
    const look = () => {
      playback.settle();
      told.current(playback.position(), playback);
    };
    const timer = setInterval(look, 200);
    element.addEventListener("seeked", look);
    return () => {
      clearInterval(timer);
      element.removeEventListener("seeked", look);
      playing.current = null;
      playback.stop();
    };
  }, [media, path]);
  useEffect(() => {
    if (at !== null) playing.current?.seek(at.position);
  }, [at, media, path]);
  return (
    <div class="screen">
      <div class="picture" style={{ aspectRatio: shape }}>
        <video ref={video} controls playsInline muted aria-label={`The stream of ${media}`}
          onLoadedMetadata={e => e.currentTarget.videoWidth && setShape(`${e.currentTarget.videoWidth} / ${e.currentTarget.videoHeight}`)} />
        <div class="boxes" aria-hidden="true">
          {framed.map(({ key, kind, name, box, opacity }) => (
            <div key={key} class={`box ${kind}`} style={{ left: percent(box.left), top: percent(box.top), width: percent(box.width), height: percent(box.height), opacity }}><span>{name}</span></div>
          ))}
        </div>
      </div>
      <p class="trouble" role="status">{trouble}</p>
    </div>
  );
}
