/** Moving and zooming a drawing: wheel, drag, two fingers, buttons. */
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { Drawn } from "./layout";

export interface Camera {
  x: number;
  y: number;
  k: number;
}
const NEAREST = 2.2;
const FARTHEST = 0.12;
const READABLE = 0.62;

export const transform = (c: Camera): string => `translate(${c.x} ${c.y}) scale(${c.k})`;
const bounded = (k: number): number => Math.min(NEAREST, Math.max(FARTHEST, k));

function zoomed(c: Camera, factor: number, x: number, y: number): Camera {
  const k = bounded(c.k * factor);
  return { k, x: x - ((x - c.x) * k) / c.k, y: y - ((y - c.y) * k) / c.k };
}

/** Where a row stands in the drawing. */
export function spot(drawn: Drawn, id: string): { x: number; y: number } | null {
  for (const { place, rows } of drawn.boxes) {
    const y = rows.get(id);
    if (y !== undefined) return { x: place.x + place.width / 2, y: place.y + y };
  }
  return null;
}

export function useCamera(svg: RefObject<SVGSVGElement | null>, drawn: Drawn | undefined, held: string | null) {
  const [camera, setCamera] = useState<Camera>({ x: 0, y: 0, k: 1 });
  const before = useRef<Drawn>(undefined);

  const fit = useCallback(
    (whole: boolean) => {
      const frame = svg.current?.getBoundingClientRect();
      if (!frame || !drawn) return;
      const room = Math.min(frame.width / drawn.width, frame.height / drawn.height);
      const k = bounded(Math.min(1, whole ? room : Math.max(READABLE, room)));
      const start = spot(drawn, drawn.model.start);
      const x =
        drawn.width * k <= frame.width || !start ? (frame.width - drawn.width * k) / 2 : frame.width / 2 - start.x * k;
      const y =
        drawn.height * k <= frame.height || !start
          ? (frame.height - drawn.height * k) / 2
          : frame.height / 2 - start.y * k;
      setCamera({ x, y, k });
    },
    [drawn, svg],
  );

  useEffect(() => {
    const last = before.current;
    before.current = drawn;
    if (!drawn) return;
    if (!last || last.model.start !== drawn.model.start) {
      fit(false);
      return;
    }
    // what was opened stays under the hand
    const anchor = held ?? drawn.model.start;
    const was = spot(last, anchor);
    const is = spot(drawn, anchor);
    if (was && is) setCamera((c) => ({ k: c.k, x: c.x + (was.x - is.x) * c.k, y: c.y + (was.y - is.y) * c.k }));
    else fit(false);
  }, [drawn, fit, held]);

  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const fingers = new Map<number, { x: number; y: number }>();
    const wheel = (event: WheelEvent) => {
      if (
        !event.ctrlKey &&
        !event.metaKey &&
        event.deltaMode === 0 &&
        Math.abs(event.deltaX) > Math.abs(event.deltaY)
      ) {
        setCamera((c) => ({ ...c, x: c.x - event.deltaX }));
      } else {
        const frame = element.getBoundingClientRect();
        const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016));
        setCamera((c) => zoomed(c, factor, event.clientX - frame.left, event.clientY - frame.top));
      }
      event.preventDefault();
    };
    const down = (event: PointerEvent) => {
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    };
    const move = (event: PointerEvent) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (other) {
        const frame = element.getBoundingClientRect();
        const factor =
          Math.hypot(now.x - other.x, now.y - other.y) / (Math.hypot(last.x - other.x, last.y - other.y) || 1);
        setCamera((c) => zoomed(c, factor, other.x - frame.left, other.y - frame.top));
      } else setCamera((c) => ({ ...c, x: c.x + now.x - last.x, y: c.y + now.y - last.y }));
    };
    const up = (event: PointerEvent) => void fingers.delete(event.pointerId);
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("pointerdown", down);
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
    return () => {
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("pointerdown", down);
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
    };
  }, [svg]);

  const zoom = useCallback(
    (factor: number) => {
      const frame = svg.current?.getBoundingClientRect();
      if (frame) setCamera((c) => zoomed(c, factor, frame.width / 2, frame.height / 2));
    },
    [svg],
  );
  /** So that a row reached by the keyboard is seen. */
  const show = useCallback(
    (id: string) => {
      const frame = svg.current?.getBoundingClientRect();
      const at = drawn && spot(drawn, id);
      if (!frame || !at) return;
      setCamera((c) => {
        const x = at.x * c.k + c.x;
        const y = at.y * c.k + c.y;
        const inside = x > 40 && x < frame.width - 40 && y > 30 && y < frame.height - 30;
        return inside ? c : { ...c, x: frame.width / 2 - at.x * c.k, y: frame.height / 2 - at.y * c.k };
      });
    },
    [drawn, svg],
  );
  return { camera, fit: () => fit(true), zoom, show };
}
