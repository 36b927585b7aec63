// Wheel, drag, pinch and keys, as wishes for the viewport.

export interface Wishes {
  /** Zoom by a factor around a share of the width. */
  zoom(factor: number, share: number): void;
  /** Move by pixels: time and lanes. */
  drag(x: number, y: number): void;
  /** A click or tap, in pixels of the canvas. */
  pick(x: number, y: number): void;
  hover(x: number, y: number): void;
}

const tap = 5; // pixels that a click may move

/** Listens until the function that it returns is called. shareOf tells where in the width of time an x is. */
export function listenTo(canvas: HTMLCanvasElement, shareOf: (x: number) => number, wishes: Wishes): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  let pinched = false;
  const at = (e: MouseEvent) => {
    const frame = canvas.getBoundingClientRect();
    return { x: e.clientX - frame.left, y: e.clientY - frame.top };
  };
  const wheel = (e: WheelEvent) => {
    e.preventDefault();
    const unit = e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? 400 : 1; // lines, pages
    if (e.shiftKey) wishes.drag(0, -(e.deltaY || e.deltaX) * unit); // lanes
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) wishes.drag(-e.deltaX * unit, 0);
    else wishes.zoom(Math.exp(Math.max(-240, Math.min(240, e.deltaY * unit)) / 400), shareOf(at(e).x));
  };
  const down = (e: PointerEvent) => {
    if (e.button !== 0) return;
    canvas.setPointerCapture?.(e.pointerId);
    if (pointers.size === 0) {
      moved = 0;
      pinched = false;
    }
    pointers.set(e.pointerId, at(e));
  };
  const move = (e: PointerEvent) => {
    const next = at(e);
    const before = pointers.get(e.pointerId);
    if (!before) return wishes.hover(next.x, next.y);
    const other = [...pointers].find(([id]) => id !== e.pointerId)?.[1];
    pointers.set(e.pointerId, next);
    if (other) {
      pinched = true;
      const apart = (p: { x: number; y: number }) => Math.max(20, Math.hypot(p.x - other.x, p.y - other.y));
      wishes.zoom(apart(before) / apart(next), shareOf((next.x + other.x) / 2));
      wishes.drag((next.x - before.x) / 2, (next.y - before.y) / 2);
      return;
    }
    moved += Math.abs(next.x - before.x) + Math.abs(next.y - before.y);
    if (moved > tap) wishes.drag(next.x - before.x, next.y - before.y);
  };
  const up = (e: PointerEvent) => {
    if (!pointers.delete(e.pointerId)) return;
    if (e.type === "pointerup" && moved <= tap && !pinched) wishes.pick(at(e).x, at(e).y);
  };
  canvas.addEventListener("wheel", wheel, { passive: false });
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  return () => {
    canvas.removeEventListener("wheel", wheel);
    canvas.removeEventListener("pointerdown", down);
    canvas.removeEventListener("pointermove", move);
    canvas.removeEventListener("pointerup", up);
    canvas.removeEventListener("pointercancel", up);
  };
}
