// The delays of the last minutes, from live to analysed, by uPlot.

import { useEffect, useRef } from "preact/hooks";
import { delays, overview } from "../box/overview.ts";
import { timeOf } from "../time.ts";
import type uPlot from "uplot";

const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]]; // lines differ by more than colour

export function DelayChart({ media }: { media: string[] }) {
  const place = useRef<HTMLDivElement>(null);
  const key = media.join("\n");
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let plot: uPlot | null = null;
    let gone = false;
    const data = (): uPlot.AlignedData => [delays.map(d => d.at), ...media.map(m => delays.map(d => d.delays[m] ?? null))];
    const draw = () => plot?.setData(data());
    const end = overview.listen(draw);
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: 190 }));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const make = async () => {
      // Its own chunk: the verdict need not wait for the chart.
      const { default: Plot } = await import("./uplot.ts");
      if (gone) return;
      plot?.destroy();
      const style = getComputedStyle(element);
      const colour = (name: string) => style.getPropertyValue(name).trim();
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
      const strokes = [colour("--person"), colour("--object"), colour("--warn"), colour("--good")];
      plot = new Plot({
        width: element.clientWidth, height: 190,
        legend: { show: false }, cursor: { show: false },
        scales: { x: { time: true, range: () => {
            // Of the points themselves: of a single one uPlot would make years.
            const end = delays.at(-1)?.at ?? Date.now() / 1000;
            return [Math.min(delays[0]?.at ?? end, end - 60), end];
          } }, y: { range: (_, __, high) => [0, Math.max(2, high * 1.15)] } },
        axes: [{ ...axis, space: 90, size: 30, values: (_, ticks) => ticks.map(t => timeOf(new Date(t * 1000))) }, { ...axis, size: 44, values: (_, ticks) => ticks.map(t => `${t} s`) }],
        series: [{}, ...media.map((label, i) => ({ label, stroke: strokes[i % strokes.length], dash: dashes[i % dashes.length], width: 2, points: { show: false }, spanGaps: false }))],
      }, data(), element);
      resized.observe(element);
    };
    void make();
    const again = () => void make();
    dark.addEventListener("change", again);
    return () => {
      gone = true;
      end();
      resized.disconnect();
      dark.removeEventListener("change", again);
      plot?.destroy();
    };
  }, [key]);
  return (
    <section class="card" aria-labelledby="delay-title">
      <h2 id="delay-title">Delay from live to analysed</h2>
      {media.length === 0 && <p class="quiet">Nothing is on air.</p>}
      <div class="chart" ref={place} role="img" aria-label="Delay of each media since the page was opened; the newest is in the cards above" />
      <ul class="legend">{media.map((m, i) => <li key={m} class={`line-${i % 4}`}><svg viewBox="0 0 24 4" aria-hidden="true"><line x1="0" y1="2" x2="24" y2="2" stroke-dasharray={dashes[i % 4]!.join(" ")} /></svg>{m}</li>)}</ul>
    </section>
  );
}
