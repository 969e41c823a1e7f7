/** What a lineage graph shows, before it is laid out: boxes of rows, and edges between rows. */
import type { NodeRef } from "../types";

export type Kind = "IDENTITY" | "TRANSFORMATION" | "AGGREGATION" | "CONDITIONAL" | "FILTER" | "GROUP_BY" | "DONE";
export const KINDS: Kind[] = ["IDENTITY", "TRANSFORMATION", "AGGREGATION", "CONDITIONAL", "FILTER", "GROUP_BY", "DONE"];

/** Neighbours on one side: how many are shown, of how many. */
export interface Count {
  shown: number;
  total: number;
}

export interface Row {
  id: string;
  label: string;
  /** Told to screen readers. */
  name: string;
  indent: number;
  node: NodeRef | null;
  value?: string;
  up?: Count;
  down?: Count;
}

export interface Box {
  id: string;
  title: string;
  subtitle: string;
  tone: "source" | "hub" | "result" | "effect";
  rows: Row[];
}

export interface Edge {
  id: string;
  from: string;
  to: string;
  kind: Kind;
  via: string;
}

export interface Model {
  boxes: Box[];
  edges: Edge[];
  start: string;
}

export const rowId = (dataset: string, field: string | null): string => JSON.stringify([dataset, field]);
export const kindOf = (subtype: string): Kind =>
  KINDS.includes(subtype as Kind) ? (subtype as Kind) : "TRANSFORMATION";

export const HEAD = 40;
export const ROW = 24;
export const VALUE_ROW = 40;
export const rowHeight = (row: Row): number => (row.value === undefined ? ROW : VALUE_ROW);

/** The place of each row's middle below its box's top, and the box's height. */
export function places(box: Box): { at: Map<string, number>; height: number } {
  const at = new Map<string, number>();
  let y = HEAD;
  for (const row of box.rows) {
    at.set(row.id, y + rowHeight(row) / 2);
    y += rowHeight(row);
  }
  return { at, height: y + 6 };
}

/** About as wide as a text is drawn at this size. */
function span(text: string, size: number): number {
  let wide = 0;
  for (const c of text) wide += (c.codePointAt(0) ?? 0) > 0x2e7f ? size : size * 0.58;
  return wide;
}

export const WIDEST = 300;
const BADGE = 44;

export function widthOf(box: Box): number {
  const rows = box.rows.map((row) => {
    const badges = (partly(row.up) ? BADGE : 0) + (partly(row.down) ? BADGE : 0);
    return 24 + row.indent * 12 + badges + Math.max(span(row.label, 12), row.value ? span(row.value, 11) : 0);
  });
  return Math.round(Math.min(WIDEST, Math.max(150, span(box.title, 12.5) + 28, span(box.subtitle, 11) + 28, ...rows)));
}

export const partly = (count: Count | undefined): count is Count => count !== undefined && count.shown < count.total;

/** A text that fits into so many pixels. */
export function cut(text: string, room: number, size = 12): string {
  if (span(text, size) <= room) return text;
  let made = "";
  for (const c of text) {
    if (span(`${made}${c}…`, size) > room) break;
    made += c;
  }
  return `${made}…`;
}
