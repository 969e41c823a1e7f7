/** Where everything stands: ELK's layered layout, computed beside the page in a worker. */
import ELK, { type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk-api.js";
import worker from "elkjs/lib/elk-worker.min.js?url";
import { useEffect, useRef, useState } from "react";
import { type Box, type Edge, type Model, places, widthOf } from "./model";

export interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Point {
  x: number;
  y: number;
}
export interface Drawn {
  model: Model;
  boxes: { box: Box; place: Placed; rows: Map<string, number> }[];
  edges: { edge: Edge; path: string }[];
  width: number;
  height: number;
  /** How long it took, in milliseconds. */
  took: number;
}

const elk = new ELK({ workerFactory: () => new Worker(worker) });
const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.layered.spacing.nodeNodeBetweenLayers": "56",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "9",
  "elk.spacing.nodeNode": "22",
  "elk.spacing.edgeEdge": "9",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.layered.thoroughness": "2",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
};
// the first layout of a worker takes ten times as long: it is had before anybody waits for it
void elk.layout({ id: "first", layoutOptions: OPTIONS, children: [{ id: "a", width: 9, height: 9 }] });

async function layOut(model: Model): Promise<Drawn> {
  const begun = performance.now();
  const placed = new Map(model.boxes.map((box) => [box.id, places(box)]));
  const children: ElkNode[] = model.boxes.map((box) => {
    const { at, height } = placed.get(box.id) as { at: Map<string, number>; height: number };
    const width = widthOf(box);
    const port = (side: "WEST" | "EAST") =>
      [...at].map(([id, y]) => ({
        id: `${side} ${id}`,
        x: side === "WEST" ? 0 : width,
        y,
        width: 0,
        height: 0,
        layoutOptions: { "elk.port.side": side },
      }));
    return {
      id: `box ${box.id}`,
      width,
      height,
      ports: [...port("WEST"), ...port("EAST")],
      layoutOptions: { "elk.portConstraints": "FIXED_POS" },
    };
  });
  const edges: ElkExtendedEdge[] = model.edges.map((edge) => ({
    id: edge.id,
    sources: [`EAST ${edge.from}`],
    targets: [`WEST ${edge.to}`],
  }));
  const root: ElkNode = { id: "root", layoutOptions: OPTIONS, children, edges };
  const done: ElkNode = await elk.layout(root);
  const found = new Map(done.children?.map((child) => [child.id, child]));
  const paths = new Map(done.edges?.map((edge) => [edge.id, pathOf(edge)]));
  return {
    model,
    boxes: model.boxes.map((box) => {
      const child = found.get(`box ${box.id}`);
      const place = { x: child?.x ?? 0, y: child?.y ?? 0, width: child?.width ?? 0, height: child?.height ?? 0 };
      return { box, place, rows: placed.get(box.id)?.at ?? new Map() };
    }),
    edges: model.edges.map((edge) => ({ edge, path: paths.get(edge.id) ?? "" })),
    width: done.width ?? 0,
    height: done.height ?? 0,
    took: performance.now() - begun,
  };
}

const BEND = 6;

/** A line with rounded bends. */
function pathOf(edge: ElkExtendedEdge): string {
  const section = edge.sections?.[0];
  if (!section) return "";
  const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
  const [first, ...rest] = points;
  if (!first) return "";
  let made = `M${first.x} ${first.y}`;
  rest.forEach((point, n) => {
    const before = points[n] as Point;
    const after = rest[n + 1];
    if (!after) {
      made += `L${point.x} ${point.y}`;
      return;
    }
    const near = towards(point, before);
    const far = towards(point, after);
    made += `L${near.x} ${near.y}Q${point.x} ${point.y} ${far.x} ${far.y}`;
  });
  return made;
}

function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const step = Math.min(BEND, length / 2) / length;
  return { x: from.x + (to.x - from.x) * step, y: from.y + (to.y - from.y) * step };
}

/** The model laid out; while another one is computed, the one before stays. */
export function useLayout(model: Model | undefined): { drawn: Drawn | undefined; busy: boolean } {
  const [drawn, setDrawn] = useState<Drawn>();
  const newest = useRef<Model>(undefined);
  useEffect(() => {
    newest.current = model;
    if (!model) return;
    void layOut(model).then((made) => {
      if (newest.current === model) setDrawn(made);
    });
  }, [model]);
  return { drawn, busy: model !== undefined && drawn?.model !== model };
}
