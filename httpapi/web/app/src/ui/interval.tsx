import { percent, type Share } from "../wilson.ts";

const widest = 0.3; // share at the right edge: rates above are rare, and drawn at the edge

/** A share with its interval, drawn and told. */
export function Interval({ of: share, name }: { of: Share | null; name: string }) {
  if (!share) return <span class="quiet">no decisions</span>;
  const x = (value: number) => Math.min(value / widest, 1) * 120;
  const told = `${percent(share.share)} (${percent(share.low)} to ${percent(share.high)})`;
  return (
    <span class="interval">
      <svg viewBox="-4 0 128 16" role="img" aria-label={`${name}: ${told}`}>
        <line class="axis" x1="0" y1="8" x2="120" y2="8" />
        <line class="whisker" x1={x(share.low)} y1="8" x2={Math.max(x(share.high), x(share.low) + 1)} y2="8" />
        <circle cx={x(share.share)} cy="8" r="4" />
      </svg>
      <span class="num">{percent(share.share)} <span class="quiet">{percent(share.low)} – {percent(share.high)}</span></span>
    </span>
  );
}
