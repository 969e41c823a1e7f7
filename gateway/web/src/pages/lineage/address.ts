/** What is looked at, in the page's address: every view is a link that others can open. */
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { NodeRef, Opening, Side } from "./types";

export type Look = "story" | "graph" | "table";
const LOOKS: readonly string[] = ["story", "graph", "table"];
export const MORE = 12;

export interface Address {
  ticket: string | null;
  field: string | null;
  node: NodeRef | null;
  look: Look | null;
  depth: number;
  opened: Opening[];
  systems: string[];
  types: string[];
}

export const nodeText = (node: NodeRef): string => JSON.stringify([node.dataset, node.field]);
export const nodeLink = (node: NodeRef): string => `/lineage?node=${encodeURIComponent(nodeText(node))}`;
export const valueLink = (ticket: string, field: string): string =>
  `/lineage?ticket=${encodeURIComponent(ticket)}&field=${encodeURIComponent(field)}`;
export const sameNode = (a: NodeRef, b: NodeRef): boolean => a.dataset === b.dataset && a.field === b.field;
export const openingText = (o: Opening): string => JSON.stringify([o.node.dataset, o.node.field, o.side, o.limit]);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function nodeOf(text: string | null): NodeRef | null {
  const told = text === null ? null : parsed(text);
  if (!Array.isArray(told) || typeof told[0] !== "string") return null;
  return { dataset: told[0], field: typeof told[1] === "string" ? told[1] : null };
}

function openingOf(text: string): Opening | null {
  const told = parsed(text);
  const node = nodeOf(text);
  if (!Array.isArray(told) || node === null || typeof told[3] !== "number") return null;
  return told[2] === "upstream" || told[2] === "downstream"
    ? { node, side: told[2] as Side, limit: Math.min(Math.max(1, told[3]), 400) }
    : null;
}

function addressOf(params: URLSearchParams): Address {
  const look = params.get("view");
  return {
    ticket: params.get("ticket"),
    field: params.get("field"),
    node: nodeOf(params.get("node")),
    look: look !== null && LOOKS.includes(look) ? (look as Look) : null,
    depth: Math.min(Math.max(Number(params.get("depth") ?? 1) || 1, 1), 6),
    opened: params.getAll("open").flatMap((text) => openingOf(text) ?? []),
    systems: params.getAll("system"),
    types: params.getAll("type"),
  };
}

/** The address as it is read, and how to change parts of it. Choices within a view replace the entry, views add one. */
export function useAddress(): [Address, (change: Partial<Address>, replace?: boolean) => void] {
  const [params, setParams] = useSearchParams();
  const address = useMemo(() => addressOf(params), [params]);
  const change = (part: Partial<Address>, replace = true) => {
    // a large graph is drawn later than the address changes: the second of two quick choices must not undo the first
    const next = { ...addressOf(new URLSearchParams(window.location.search)), ...part };
    const made = new URLSearchParams();
    if (next.ticket) made.set("ticket", next.ticket);
    if (next.field) made.set("field", next.field);
    if (next.node) made.set("node", nodeText(next.node));
    if (next.look) made.set("view", next.look);
    if (next.depth !== 1) made.set("depth", String(next.depth));
    for (const each of next.opened) made.append("open", openingText(each));
    for (const each of next.systems) made.append("system", each);
    for (const each of next.types) made.append("type", each);
    setParams(made, { replace });
  };
  return [address, change];
}

/** One opening more, or a larger one in the place of the same one. */
export function withOpening(opened: Opening[], more: Opening): Opening[] {
  const others = opened.filter((o) => !(sameNode(o.node, more.node) && o.side === more.side));
  return [...others, more];
}
